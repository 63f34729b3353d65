import { mayTakeOver } from '../../core/takeover.ts';
import type { BackendSpec, Endpoint, RouteSpec } from '../../ports.ts';
import { cohortText } from './cohort-text.ts';
import { addressOf, backendOf, type Seat, serverOf } from './names.ts';

/** Which group sits in which backend. */
export type Seats = Readonly<Record<Seat, string | null>>;

export const EMPTY: Seats = { a: null, b: null };

/** A group keeps its seat; a new one takes a seat nobody of this spec has. At most two groups, see {@link tooMany}. */
export function seat(before: Seats, { backends }: RouteSpec): Seats {
  const groups = backends.map(({ group }) => group);
  const kept = { a: stays(before.a, groups), b: stays(before.b, groups) };
  const fresh = groups.filter((group) => group !== kept.a && group !== kept.b);
  const a = kept.a ?? fresh.shift() ?? null;
  return { a, b: kept.b ?? fresh.shift() ?? null };
}

function stays(group: string | null, groups: readonly string[]): string | null {
  return group !== null && groups.includes(group) ? group : null;
}

/** Why HAProxy cannot express a spec; null when it can. */
export function tooMany({ backends: { length } }: RouteSpec): string | null {
  return length > 2 ? `${length} backends; the HAProxy router splits between two, the stable version and the canary` : null;
}

export function seatOf(seats: Seats, group: string | undefined): Seat {
  return group !== undefined && seats.b === group ? 'b' : 'a';
}

/**
 * A route in one value of the runtime table, so that one command changes all of it at once: `mode|generation|stable|canary|weight`, and `|cohort` where there is one.
 * The last backend is the canary; `weight` is its share. The generation finds its way into the log lines, which are counted by what was true then.
 */
export function entryOf(spec: RouteSpec, seats: Seats, generation: number): string {
  const { mode, backends } = spec;
  const [stable, canary] = backends;
  const cohort = cohortText(spec);
  const first = seatOf(seats, stable?.group);
  return [
    mode,
    generation,
    first,
    canary === undefined ? first : seatOf(seats, canary.group),
    canary?.weight ?? 0,
    ...(cohort === null ? [] : [cohort]),
  ].join('|');
}

/** A server as HAProxy should have it. */
export interface Server {
  readonly backend: string;
  readonly name: string;
  readonly address: string;
  /** Of the other version: asked only when no own one answers. */
  readonly borrowed: boolean;
  readonly owner: Owner;
}

/** Whose instance a server is. */
export type Owner = Pick<BackendSpec, 'group' | 'version'>;

/** The servers of a route: each group's own in its seat, and the other group's behind them where that may answer for it. */
export function serversOf(
  { backends }: RouteSpec,
  {
    frontend,
    seats,
    endpointsOf,
  }: { readonly frontend: string; readonly seats: Seats; readonly endpointsOf: (group: string) => readonly Endpoint[] },
): readonly Server[] {
  return backends.flatMap((backend, index) => {
    const other = backends[1 - index];
    const at = backendOf(frontend, seatOf(seats, backend.group));
    const own = serving(endpointsOf(backend.group), backend).map((endpoint) => serverAt(at, endpoint, { owner: backend, borrowed: false }));
    if (other === undefined || !mayTakeOver(backends, 1 - index)) return own;
    return [
      ...own,
      ...serving(endpointsOf(other.group), other).map((endpoint) => serverAt(at, endpoint, { owner: other, borrowed: true })),
    ];
  });
}

function serverAt(
  backend: string,
  endpoint: Endpoint,
  { owner: { group, version }, borrowed }: Pick<Server, 'owner' | 'borrowed'>,
): Server {
  return { backend, name: serverOf(endpoint, borrowed), address: addressOf(endpoint), borrowed, owner: { group, version } };
}

/** The endpoints of the process that takes requests, each once. */
export function serving(endpoints: readonly Endpoint[], { process }: BackendSpec): readonly Endpoint[] {
  const matching = endpoints.filter((endpoint) => endpoint.process === undefined || endpoint.process === process);
  return matching.filter((one, index) => matching.findIndex(({ host, port }) => host === one.host && port === one.port) === index);
}
