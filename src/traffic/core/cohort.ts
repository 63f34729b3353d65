import { xxh32 } from './xxh32.ts';

/** Where a value is found in a request; the header first. */
export interface CohortField {
  readonly header?: string | undefined;
  readonly cookie?: string | undefined;
}

/** Who belongs to whom, so that a user stays with one version. */
export interface Cohort {
  /** A user's or tenant's key: the same key always gets the same bucket. */
  readonly key?: CohortField | undefined;
  /** A request without a key gets a bucket of its own in the cookie {@link COHORT_COOKIE}. */
  readonly sticky?: boolean | undefined;
  /** `canary`, `stable` or a version here overrides the bucket, while both versions take requests. */
  readonly force?: CohortField | undefined;
  /** Only requests that match all of these may get the canary. */
  readonly only?:
    | {
        /** Path prefixes by whole segments: `/checkout` means `/checkout` and `/checkout/...`. */
        readonly paths?: readonly string[] | undefined;
        /** By header, the values that match, whole and exact. */
        readonly headers?: Readonly<Record<string, readonly string[]>> | undefined;
      }
    | undefined;
}

/** What is read of a request. Texts have one byte per character; a field that is empty is absent. */
export interface CohortRequest {
  /** Without the query. */
  readonly path: string;
  /** The first field of that name, whatever its case. */
  header(name: string): string | undefined;
  /** The last cookie of that name. */
  cookie(name: string): string | undefined;
}

export const BUCKETS = 10_000;
export const COHORT_COOKIE = 'slipway-cohort';

/**
 * The bucket of a request, 0 to 9,999; `deal` when nothing ties it to a version, `draw` when it is to get a bucket and keep it. The canary has
 * the buckets below a hundred times its weight, so whoever is in at 5 % is in at 25 %: {@link isCanary}.
 */
export function bucketFor(
  cohort: Cohort,
  request: CohortRequest,
  { stable, canary }: { readonly stable: string; readonly canary: string },
): number | 'deal' | 'draw' {
  if (!matches(cohort, request)) return BUCKETS - 1;
  const forced = valueOf(cohort.force, request);
  if (forced === 'canary' || forced === canary) return 0;
  if (forced === 'stable' || forced === stable) return BUCKETS - 1;
  const key = valueOf(cohort.key, request);
  if (key !== undefined) return bucketOf(key);
  if (cohort.sticky !== true) return 'deal';
  const kept = request.cookie(COHORT_COOKIE) ?? '';
  return /^\d{1,4}$/.test(kept) ? Number(kept) : 'draw';
}

/** A key's bucket: XXH32 of its bytes (UTF-8 when the client sends that), modulo 10,000. */
export function bucketOf(key: string): number {
  return xxh32(key) % BUCKETS;
}

/** Weight in whole percent. At 0 nobody is, at 100 everybody. */
export function isCanary(bucket: number, weight: number): boolean {
  return bucket < (weight * BUCKETS) / 100;
}

function valueOf(field: CohortField | undefined, request: CohortRequest): string | undefined {
  const header = field?.header === undefined ? undefined : request.header(field.header);
  if (header !== undefined && header !== '') return header;
  const cookie = field?.cookie === undefined ? undefined : request.cookie(field.cookie);
  return cookie === '' ? undefined : cookie;
}

function matches({ only }: Cohort, request: CohortRequest): boolean {
  if (only?.paths?.some((prefix) => isUnder(request.path, prefix)) === false) return false;
  return Object.entries(only?.headers ?? {}).every(([name, values]) => values.includes(request.header(name) ?? ''));
}

function isUnder(path: string, prefix: string): boolean {
  const folder = prefix.endsWith('/') ? prefix : `${prefix}/`;
  return path === prefix || path.startsWith(folder);
}

/** The last cookie of a name in a Cookie header. */
export function cookieIn(header: string, name: string): string | undefined {
  const pairs = header.split(';').map((pair) => pair.trim());
  return pairs.findLast((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** The field that has a client keep its bucket: for a year, and out of reach of scripts. */
export function cohortCookie(bucket: number): string {
  return `${COHORT_COOKIE}=${bucket}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax`;
}
