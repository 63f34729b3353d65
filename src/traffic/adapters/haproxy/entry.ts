import type { Clock } from '../../../kernel/index.ts';
import type { BackendSpec, Endpoint, EndpointState, RouteSpec } from '../../ports.ts';
import { type Counters, count, createCounters } from '../shared/counters.ts';
import type { Line } from './line.ts';
import { backendOf, endpointOf, frontendOf, serverOf } from './names.ts';
import { type Row, takesRequests } from './statistics.ts';
import { EMPTY, seat, seatOf, type Seats, serving } from './table.ts';

/** A route as this router keeps it; a change makes another one with the counters of the last. */
export interface Entry {
  readonly spec: RouteSpec;
  readonly frontend: string;
  readonly seats: Seats;
  /** Names this state of the route in log lines. */
  readonly generation: number;
  readonly counters: Counters;
  /** False while somebody else has its address. */
  readonly listening: boolean;
}

export function createEntry(spec: RouteSpec, generation: number, clock: Clock): Entry {
  return { spec, frontend: frontendOf(spec.id), seats: seat(EMPTY, spec), generation, counters: createCounters(clock), listening: false };
}

export function changed(entry: Entry, spec: RouteSpec, generation: number): Entry {
  return { ...entry, spec, seats: seat(entry.seats, spec), generation };
}

/**
 * Adds a finished request to what is known of the version that took it. `routedBy` is the route as it was when the request came,
 * `counters` are those of now.
 */
export function countLine(line: Line, routedBy: Entry, counters: Counters, clock: Clock): void {
  if (line.isProbe) return;
  const server = endpointOf(line.server);
  if (server === null) {
    if (line.status === 503 && line.ending !== 'gone') counters.refuse();
    return;
  }
  const at = line.backend === backendOf(routedBy.frontend, 'b') ? 'b' : 'a';
  const asked = backendAt(routedBy, at);
  const answered = server.borrowed ? backendAt(routedBy, at === 'a' ? 'b' : 'a') : asked;
  if (asked !== undefined && line.retries > 0) counters.of(asked.group, asked.version).retries += line.retries;
  if (answered === undefined) return;
  const endedAt = clock.monotonic();
  count(counters.of(answered.group, answered.version), {
    endpoint: server,
    ending: line.ending,
    startedAt: endedAt - line.latencyMs,
    endedAt,
  });
}

function backendAt({ spec, seats }: Entry, at: 'a' | 'b'): BackendSpec | undefined {
  return spec.backends.find(({ group }) => group === seats[at]);
}

/** What HAProxy's statistics say of a route's endpoints. Rows of the process that serves come first: its view of an instance's health counts. */
export function endpointStates(
  { spec, seats, frontend }: Entry,
  rows: readonly Row[],
  endpointsOf: (group: string) => readonly Endpoint[],
): readonly EndpointState[] {
  return spec.backends.flatMap((backend) => {
    const proxy = backendOf(frontend, seatOf(seats, backend.group));
    return serving(endpointsOf(backend.group), backend).map((endpoint): EndpointState => {
      const own = rows.filter((row) => row.proxy === proxy && row.server === serverOf(endpoint, false));
      const borrowed = rows.filter((row) => row.proxy.startsWith(`${frontend}.`) && row.server === serverOf(endpoint, true));
      const inFlight = [...own, ...borrowed].reduce((sum, { current }) => sum + current, 0);
      const [serves] = own;
      return {
        group: backend.group,
        host: endpoint.host,
        port: endpoint.port,
        healthy: serves !== undefined && takesRequests(serves),
        inFlight,
      };
    });
  });
}

/** Requests of a route that an instance has. */
export function inFlightOf({ frontend }: Entry, rows: readonly Row[]): number {
  const backends = new Set([backendOf(frontend, 'a'), backendOf(frontend, 'b')]);
  return rows.reduce((sum, { proxy, server, current }) => sum + (server === 'BACKEND' && backends.has(proxy) ? current : 0), 0);
}
