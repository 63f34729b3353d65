import type { ReleaseEvent } from '../../src/release/index.ts';
import type { Answer } from '../e2e/support/users.ts';

/** What a ledger says of the canary's share, in whole percent. */
interface Recorded {
  readonly at: number;
  readonly weight: number;
  /** An order is recorded before it is carried out; that it was carried out, afterwards. */
  readonly carriedOut: boolean;
}

/** Every order of a weight, and every one that was carried out. */
export function recordedWeights(events: readonly ReleaseEvent[]): readonly Recorded[] {
  return events.flatMap((event): readonly Recorded[] => {
    if (event.type !== 'step.intended' && event.type !== 'step.finished') return [];
    const weight = weightOf(event.data.step);
    const carriedOut = event.type === 'step.finished';
    if (weight === null || (event.type === 'step.finished' && event.data.verdict !== 'pass')) return [];
    return [{ at: event.time, weight, carriedOut }];
  });
}

function weightOf(step: string): number | null {
  const weight = /^deploy\.weight-(\d+)$/.exec(step)?.[1];
  if (weight !== undefined) return Number(weight);
  return step === 'deploy.switch' ? 100 : step === 'rollback.open-old' ? 0 : null;
}

/** The most, of 1, that may have been the canary's share for a request that was under way between two moments. */
export function mostFor({ sentAt, answeredAt }: Answer, recorded: readonly Recorded[]): number {
  const from = recorded.findLastIndex(({ at, carriedOut }) => carriedOut && at < sentAt);
  const possible = recorded.filter(({ at }, index) => index === from || (index > from && at <= answeredAt));
  return Math.max(0, ...possible.map(({ weight }) => weight)) / 100;
}

/**
 * The chance that at least as many of these answers are the canary's, had each the share that the ledger allows. Taking the mean of
 * unequal shares gives an upper bound in this tail (Hoeffding 1956, On the distribution of the number of successes, theorem 4).
 */
export function chanceOf(answers: readonly Answer[], canary: string, recorded: readonly Recorded[]): number {
  const seen = answers.filter(({ version }) => version === canary).length;
  const share = answers.reduce((sum, answer) => sum + mostFor(answer, recorded), 0) / Math.max(1, answers.length);
  return binomialTail(answers.length, seen, share);
}

/** P(X >= k) of n draws with chance p. */
export function binomialTail(n: number, k: number, p: number): number {
  if (k <= 0 || p >= 1) return 1;
  if (p <= 0) return 0;
  let logTerm = n * Math.log1p(-p);
  let sum = 0;
  for (let i = 0; i <= n; i++) {
    if (i >= k) sum += Math.exp(logTerm);
    logTerm += Math.log((n - i) / (i + 1)) + Math.log(p) - Math.log1p(-p);
  }
  return Math.min(1, sum);
}
