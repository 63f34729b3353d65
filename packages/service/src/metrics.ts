import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { exposeMemoryLimit } from './memory-limit.ts';

/** From a cached read to a request that nobody should wait for, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The label of requests that matched no route; a scanner must not be able to make new series. */
const UNMATCHED = 'unmatched';
/** A service with more templates than this puts something variable into them. */
const MAX_ROUTES = 500;

export interface Request {
  readonly method: string;
  readonly route: string | undefined;
  readonly status: number;
  readonly seconds: number;
}

export interface Metrics {
  readonly registry: Registry;
  /** Counts a request as in flight until the returned function is called, once, with how it ended. */
  begin(): (request: Request) => void;
}

/** Rate, errors and duration of requests, by version, in Prometheus' format. */
export function createMetrics(version: string, process: boolean): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ version });
  // Memory, event loop and garbage collection: what one looks at when the durations say that something is wrong.
  if (process) {
    collectDefaultMetrics({ register: registry });
    exposeMemoryLimit(registry);
  }
  const registers = [registry];
  const labelNames = ['method', 'route', 'status'] as const;
  const total = new Counter({ name: 'http_requests_total', help: 'Requests answered.', labelNames, registers });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request to the end of its answer.',
    labelNames,
    buckets: BUCKETS,
    registers,
  });
  const inFlight = new Gauge({ name: 'http_requests_in_flight', help: 'Requests being answered now.', registers });
  const routes = new Set<string>();
  const routeLabel = (route: string | undefined): string => {
    if (route === undefined || (routes.size >= MAX_ROUTES && !routes.has(route))) return UNMATCHED;
    routes.add(route);
    return route;
  };
  return {
    registry,
    begin: () => {
      inFlight.inc();
      return ({ method, route, status, seconds }) => {
        inFlight.dec();
        const labels = { method: METHODS.has(method) ? method : 'OTHER', route: routeLabel(route), status: String(status) };
        total.inc(labels);
        duration.observe(labels, seconds);
      };
    },
  };
}
