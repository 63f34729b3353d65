import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { OwnEventStreams } from './event-streams.ts';
import type { Snapshot } from './mount.ts';
import type { OwnSnapshots } from './snapshots.ts';

/** From an answer out of memory to one that nobody should wait for, in seconds. */
const BUCKETS = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export interface Metrics {
  /** Counts an answer. `route` is a template, so that nobody can make new series by asking. */
  answered(route: string, status: number, seconds: number): void;
  /** Of the process, and of one environment: who may see one sees no other. */
  text(environment: string): Promise<string>;
  readonly contentType: string;
}

/** What Prometheus is told of one server process. */
export function createMetrics(version: string, snapshots: OwnSnapshots, streams: OwnEventStreams): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ version });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const total = new Counter({
    name: 'slipway_http_requests_total',
    help: 'Requests answered.',
    labelNames: ['route', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: 'slipway_http_request_duration_seconds',
    help: 'Time from the request to its answer; of a stream, to its beginning.',
    labelNames: ['route'],
    buckets: BUCKETS,
    registers,
  });
  const { places } = streams;
  gauge('slipway_event_streams', 'Streams that are open.', () => places.taken('public') + places.taken('server'));
  gauge('slipway_event_streams_public', 'Of them those of tokens without server-evaluate.', () => places.taken('public'));
  gauge('slipway_event_streams_most', 'Streams that may be open.', () => places.most);
  const refused: Counter<'tokens'> = new Counter({
    name: 'slipway_event_streams_refused_total',
    help: 'Streams that were refused because there were as many as may be.',
    labelNames: ['tokens'],
    registers,
    collect: () => {
      refused.reset();
      for (const tokens of ['public', 'server'] as const) refused.inc({ tokens }, places.refused(tokens));
    },
  });
  gauge('slipway_flags_behind_seconds', 'How old what is in memory may be; 0 while the store answers.', () => snapshots.behindMs() / 1_000);
  function gauge(name: string, help: string, value: () => number): void {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(value()) });
  }
  // Labels are looked up once: a lookup for each request would cost more than the rest of it.
  const totals = new Map<string, Counter.Internal>();
  const durations = new Map<string, Histogram.Internal<'route'>>();
  return {
    answered: (route, status, seconds) => {
      const key = `${route} ${status}`;
      let counter = totals.get(key);
      if (counter === undefined) totals.set(key, (counter = total.labels({ route, status: String(status) })));
      counter.inc();
      let histogram = durations.get(route);
      if (histogram === undefined) durations.set(route, (histogram = duration.labels({ route })));
      histogram.observe(seconds);
    },
    text: async (environment) => `${await registry.metrics()}\n${await ofEnvironment(version, snapshots.peek(environment)).metrics()}`,
    contentType: registry.contentType,
  };
}

function ofEnvironment(version: string, snapshot: Snapshot | null): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ version });
  const help = 'The newest change in memory.';
  const seq = new Gauge({ name: 'slipway_flags_seq', help, labelNames: ['environment'], registers: [registry] });
  if (snapshot !== null) seq.set({ environment: snapshot.environment }, snapshot.seq);
  return registry;
}
