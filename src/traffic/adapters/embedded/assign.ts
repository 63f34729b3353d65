import type { IncomingMessage } from 'node:http';
import { BUCKETS, bucketFor, cohortCookie, type CohortRequest, cookieIn, isCanary } from '../../core/cohort.ts';
import type { RouteSpec } from '../../ports.ts';
import { createDealer } from './dealer.ts';
import type { Backend } from './pick.ts';

/** Which version a request belongs to. */
export interface Assigned {
  /** Null without backends. */
  readonly backend: Backend | null;
  /** Fields for the answer, names and values in turn: a bucket the client is to keep. */
  readonly fields: readonly string[];
}

/** Finds the version of a request: by its cohort, or whose turn it is by weight. */
export interface Assigner {
  assign(spec: RouteSpec, backends: readonly Backend[], request: () => CohortRequest): Assigned;
}

/** `random` answers [0, 1). */
export function createAssigner(random: () => number): Assigner {
  const dealer = createDealer(random);
  return {
    assign: (spec, backends, request) => {
      const [stable, canary] = backends;
      const found = spec.cohort === undefined || stable === undefined || canary === undefined ? 'deal' : inCohort(spec, request());
      if (found === 'deal' || stable === undefined || canary === undefined)
        return { backend: backends[dealer.deal(spec.backends)] ?? null, fields: [] };
      const bucket = found === 'draw' ? Math.floor(random() * BUCKETS) : found;
      const backend = isCanary(bucket, canary.spec.weight) ? canary : stable;
      return { backend, fields: found === 'draw' ? ['set-cookie', cohortCookie(bucket)] : [] };
    },
  };
}

function inCohort({ cohort, backends }: RouteSpec, request: CohortRequest): number | 'deal' | 'draw' {
  const [stable, canary] = backends;
  return cohort === undefined ? 'deal' : bucketFor(cohort, request, { stable: stable?.version ?? '', canary: canary?.version ?? '' });
}

/** A request as a cohort sees it. `path` may have a query. */
export function cohortRequest({ rawHeaders, headers }: IncomingMessage, path: string): CohortRequest {
  return {
    path: path.split('?', 1)[0] ?? '/',
    header: (name) => {
      const wanted = name.toLowerCase();
      const at = rawHeaders.findIndex((field, index) => index % 2 === 0 && field.toLowerCase() === wanted);
      return at < 0 ? undefined : rawHeaders[at + 1];
    },
    cookie: (name) => cookieIn(headers.cookie ?? '', name),
  };
}
