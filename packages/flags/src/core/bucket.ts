import { hashAfter, type HashPrefix } from './hash.ts';

/** Everybody, in thousandths of a percent. */
export const EVERYBODY = 100_000;
const HASHES = 2 ** 32;

/**
 * The least hash whose bucket is not below `bucket`. `hash < boundOf(n)` is `bucketOf(hash) < n`, without a multiplication per evaluation.
 * Exact: the products are below 2^53, and a quotient that is no integer is further from one than rounding moves it.
 */
export function boundOf(bucket: number): number {
  return Math.ceil((bucket * HASHES) / EVERYBODY);
}

/** The bucket of a hash, 0 to 99,999: `(hash * 100000) >> 32`. */
export function bucketOf(hash: number): number {
  return Math.floor((hash * EVERYBODY) / HASHES);
}

/** What sticks to a bucket, as text: a string that is not empty, or a whole number as its digits. Null for anything else. */
function stickyKey(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  return Number.isSafeInteger(value) ? String(value) : null;
}

/** The hash of salt and attribute; -1 where there is nothing to stick to. */
export function stickyHash(prefix: HashPrefix, value: unknown): number {
  const key = stickyKey(value);
  return key === null ? -1 : hashAfter(prefix, key);
}
