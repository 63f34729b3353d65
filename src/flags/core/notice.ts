import type { About, Flag } from '../../../packages/flags/src/core/definition.ts';
import { toIso, type Instant } from '../../kernel/pure.ts';
import { daysText } from './stale.ts';

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/** So long before a flag expires its owner is told of it. */
const AHEAD_MS = 14 * DAY_MS;

/** What its owner is told of a flag, once. */
export interface ExpiryNotice {
  readonly schema: 'slipway.flag-expiry/1';
  readonly environment: string;
  readonly flag: string;
  readonly owner: string;
  readonly expiresAt: Instant;
  /** `14d-before`, `expired`, then `expired-1w`, `expired-2w` and so on. */
  readonly threshold: string;
  /** For people. */
  readonly text: string;
}

/** The newest threshold that a flag has passed since it was made; null: none. One that is overtaken by a later one is not told any more. */
export function dueThreshold({ createdAt, expiresAt }: About, now: Instant): string | null {
  if (expiresAt === null) return null;
  const end = Date.parse(expiresAt);
  const weeks = Math.floor((now - end) / WEEK_MS);
  const [name, since] =
    weeks > 0 ? [`expired-${weeks}w`, end + weeks * WEEK_MS] : now >= end ? ['expired', end] : ['14d-before', end - AHEAD_MS];
  // Who has just said that it is needed for another week knows.
  return now >= since && Date.parse(createdAt) < since ? name : null;
}

/** The notice that is due of a flag; null: none. */
export function noticeOf(environment: string, key: string, { about }: Flag, now: Instant): ExpiryNotice | null {
  const threshold = dueThreshold(about, now);
  if (threshold === null || about.expiresAt === null) return null;
  const expiresAt = Date.parse(about.expiresAt);
  const when = expiresAt > now ? `expires in ${daysText(expiresAt - now)}` : `expired ${daysText(now - expiresAt)} ago`;
  const what = about.name === '' ? key : `${key} (${about.name})`;
  const text = `The flag ${what} in ${environment} ${when}, on ${toIso(expiresAt).slice(0, 10)}. It is ${about.owner}'s: take it out of the code (slipway flag refs ${key} --cleanup), or say until when it is needed (slipway flag set ${key} --env ${environment} --expires 30d).`;
  return { schema: 'slipway.flag-expiry/1', environment, flag: key, owner: about.owner, expiresAt, threshold, text };
}

/** Names a notice for good: who gets it twice, because a process ended at the wrong moment, can tell. */
export function noticeKey({ environment, flag, expiresAt, threshold }: Omit<ExpiryNotice, 'text' | 'owner' | 'schema'>): string {
  return `${environment}/${flag}/${toIso(expiresAt)}/${threshold}`;
}
