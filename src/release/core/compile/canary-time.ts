import { formatDuration, type Duration } from '../../../kernel/pure.ts';
import type { CanaryDefinition } from '../definition.ts';

/** The errors that a canary must be proven to stay below, times the clean requests that prove it: 4,600 at 0.1 % (docs/judge.md). */
const CLEAN_TIMES_REQUESTS = 4.6;
const MINUTE_MS: Duration = 60_000;
/** The beginning of the default schedule, where slipway.yaml has none. */
const USUAL_START = [{ weight: 5, forMs: 60 * MINUTE_MS }] as const;
const USUAL_CLEAN = 0.001;

/**
 * What a person should know before a canary begins on little traffic: which weight cannot be proven good within its time, and how long
 * it takes at the earliest. Null where the schedule is long enough, where nobody counts, and for a judge that needs other things than requests.
 */
export function timeOfCanary(canary: CanaryDefinition | undefined, perMinute: number | null): string | null {
  const clean = cleanOf(canary);
  if (perMinute === null || perMinute <= 0 || clean === null) return null;
  const requests = Math.ceil(CLEAN_TIMES_REQUESTS / clean);
  const times = (canary?.checkpoints ?? USUAL_START).map(({ weight, forMs }) => ({
    weight,
    forMs,
    needsMs: Math.ceil((requests * 100) / (perMinute * weight)) * MINUTE_MS,
  }));
  const short = times.find(({ forMs, needsMs }) => forMs > 0 && needsMs > forMs);
  if (short === undefined) return null;
  const all = times.reduce((sum, { forMs, needsMs }) => sum + Math.max(forMs, needsMs), 0);
  const inAll = times.length === 1 ? '' : `, all weights together about ${formatDuration(all)}`;
  return (
    `at ${Math.round(perMinute)} requests a minute it takes about ${formatDuration(short.needsMs)} at the least to prove a good version good at ${short.weight} %, ` +
    `not ${formatDuration(short.forMs)} (${requests} requests without an error, more with some)${inAll}; until then it is held, or somebody promotes it (\`slipway promote\`)`
  );
}

/** Null for a judge that proves nothing by it. */
function cleanOf(canary: CanaryDefinition | undefined): number | null {
  if (canary === undefined) return USUAL_CLEAN;
  if (canary.policy.kind !== 'sequential') return null;
  return canary.policy.metrics.find(({ name }) => name === 'errors')?.clean ?? null;
}
