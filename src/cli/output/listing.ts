import { ERRORS, formatDuration, toIso, type Duration, type Instant } from '../../kernel/index.ts';
import type { LockOwner, ReleaseSummary } from '../../release/index.ts';
import type { ReleaseView } from './release-view.ts';
import { count, table } from './table.ts';
import type { Style } from './style.ts';

/** Releases, newest first. */
export function renderList(releases: readonly ReleaseSummary[], now: Instant, style: Style): string {
  if (releases.length === 0) return 'There is no release yet. Start one with `slipway release`.';
  const rows = releases.map((one) => [
    one.release,
    one.kind,
    `${one.service}/${one.environment}`,
    one.version,
    one.finishedAt !== null && !one.sealed
      ? `${one.status} (evidence not sealed${one.unsealedBecause === null ? ' yet' : ''})`
      : one.status,
    ago(one.requestedAt, now),
    one.requestedBy,
  ]);
  const shown = table([['RELEASE', 'KIND', 'SERVICE', 'VERSION', 'STATUS', 'REQUESTED', 'BY'].map(style.dim), ...rows]);
  return [shown, ...unsealedOf(releases).map((text) => style.warn(text))].join('\n');
}

/** Releases that are over and lack their evidence, each with what stands in its way. */
function unsealedOf(releases: readonly ReleaseSummary[]): readonly string[] {
  return releases.flatMap(({ release, unsealedBecause }) =>
    unsealedBecause === null ? [] : [`evidence of ${release} could not be written: ${unsealedBecause}. ${ERRORS.release_unsealed.hint}`],
  );
}

/** `3m12s ago`, for an eye that compares; documents get ISO times. */
function ago(at: Instant, now: Instant): string {
  return `${formatDuration(now - at)} ago`;
}

/** What is known about one service in one environment. */
export interface PlaceStatus {
  readonly service: string;
  readonly environment: string;
  /** The version that the newest release left serving, and whether that one was only accepted as it stands; null before the first. */
  readonly serving: { readonly version: string; readonly release: string; readonly accepted: boolean } | null;
  readonly lock: LockOwner | null;
  readonly inFlight: readonly InFlight[];
  /** Releases that are over whose evidence could not be written yet. */
  readonly unsealed: readonly ReleaseSummary[];
  /** Null when no agent answers. */
  readonly running: RunningStatus | null;
}

/** How the services of the set that is declared here stand to each other. */
export interface SetStatus {
  readonly name: string;
  readonly services: readonly string[];
  /** All of them serve what one set release brought. */
  readonly whole: boolean;
  readonly reason: string;
}

/** The line above the services of a set. */
export function setLine({ name, whole, reason }: SetStatus, style: Style): string {
  const told = `set ${name}: ${reason}`;
  return whole ? told : style.warn(told);
}

/** A release that is not over: what it does, what it waits for, and on which version it has users. */
export interface InFlight {
  readonly summary: ReleaseSummary;
  readonly view: ReleaseView;
}

export interface RunningStatus {
  readonly groups: readonly {
    readonly group: string;
    readonly version: string;
    /** When it will be stopped, for a version that is only kept warm. */
    readonly stopAt: Instant | null;
    readonly instances: readonly InstanceStatus[];
  }[];
  readonly route: {
    readonly address: string;
    readonly mode: string;
    readonly listening: boolean;
    readonly backends: readonly { readonly version: string; readonly group: string; readonly weight: number }[];
  } | null;
  /** What users met of each version that the route leads to, as the router counted it. */
  readonly traffic: readonly TrafficStatus[];
}

export interface TrafficStatus {
  readonly version: string;
  /** Since when the totals are counted: the start of the agent, or the first release. */
  readonly since: Instant;
  readonly requests: number;
  readonly errors: number;
  /** Null from an agent of an older build. */
  readonly recent: { readonly forMs: Duration; readonly requests: number; readonly errors: number } | null;
}

/** `12 requests, 3 errors in the last 5m`, the same wherever it is said. */
export function recentText({ recent }: Pick<TrafficStatus, 'recent'>): string | null {
  return recent === null
    ? null
    : `${count(recent.requests, 'request')}, ${count(recent.errors, 'error')} in the last ${formatDuration(recent.forMs)}`;
}

export interface InstanceStatus {
  readonly process: string;
  readonly index: number;
  readonly phase: string;
  readonly pid: number | null;
  readonly port: number | null;
  readonly restarts: number;
}

/** What runs now, a block per service and environment. */
export function renderStatus(places: readonly PlaceStatus[], style: Style): string {
  if (places.length === 0) return 'Nothing was released from here yet. Start with `slipway plan`, then `slipway release`.';
  return places
    .map((place) => `${style.bold(`${place.service} in ${place.environment}`)}\n${table(rowsOf(place, style), '  ')}`)
    .join('\n\n');
}

function servingText({ version, release, accepted }: NonNullable<PlaceStatus['serving']>): string {
  return `${version} (release ${release}${accepted ? ', accepted as it stands' : ''})`;
}

function rowsOf(place: PlaceStatus, style: Style): readonly (readonly string[])[] {
  const { serving, lock, inFlight, unsealed, running } = place;
  return [
    [
      inFlight.some(({ view }) => view.users !== 'previous') ? 'released' : 'serving',
      serving === null ? 'nothing yet' : servingText(serving),
    ],
    ...inFlight.flatMap(inFlightRows),
    ...unsealedOf(unsealed).map((text) => ['evidence', style.warn(text)]),
    ['lock', lock === null ? 'free' : `${lock.owner} on ${lock.host} since ${toIso(lock.since)}, release ${lock.release}`],
    ...(running === null ? [['running', style.warn('unknown: no agent answers (`slipway agent start`)')]] : runningRows(running)),
  ];
}

function inFlightRows({ summary, view }: InFlight): readonly (readonly string[])[] {
  const { kind, release, version, status } = summary;
  const last = view.last === null ? null : `last step ${view.last}`;
  const doing = view.stuck?.reason ?? view.because ?? (view.at === null ? last : `${view.at.id}: ${view.at.title}`);
  return [
    ...(view.users === 'new' ? [['serving', `${version}, whose ${kind} is not over`]] : []),
    ...(view.users === 'unknown' ? [['serving', 'a step that moves users has no known outcome: see the route']] : []),
    ['in flight', `${kind} ${release} of ${version}: ${status}${doing === null ? '' : `, ${doing}`}`],
    ...(view.weight === null ? [] : [['', `${view.weight} % of the users on ${version}, as last recorded`]]),
    ...(view.waiting === null ? [] : [['', `waiting for ${view.waiting}`]]),
  ];
}

function runningRows({ groups, route, traffic }: RunningStatus): readonly (readonly string[])[] {
  const routes =
    route === null
      ? []
      : [
          [
            'route',
            `${route.address} ${route.mode}${route.listening ? '' : ', NOT listening'}: ${route.backends.map((one) => `${one.weight}% ${one.version}`).join(', ') || 'no backend'}`,
          ],
        ];
  const instances = groups.flatMap(({ group, version, stopAt, instances: all }) =>
    all.map((one) => [
      'instance',
      `${one.process}#${one.index} of ${version} in ${group}: ${one.phase}${one.port === null ? '' : `, port ${one.port}`}${one.pid === null ? '' : `, pid ${one.pid}`}${one.restarts === 0 ? '' : `, ${count(one.restarts, 'restart')}`}${stopAt === null ? '' : `, kept warm until ${toIso(stopAt)}`}`,
    ]),
  );
  const met = traffic.map((one) => {
    const total = `${count(one.requests, 'request')}, ${count(one.errors, 'error')} since ${toIso(one.since)}`;
    return ['traffic', `${one.version}: ${[recentText(one), total].filter((text) => text !== null).join('; ')}`];
  });
  return [...routes, ...met, ...(instances.length === 0 ? [['running', 'no instance']] : instances)];
}
