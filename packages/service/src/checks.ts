import { performance } from 'node:perf_hooks';
import { attempt } from './attempt.ts';
import type { CheckResult } from './core/health.ts';

/** Resolves when the dependency works, rejects when it does not; `{ degraded }` says that it works with less than usual. */
export type CheckFunction = (signal: AbortSignal) => unknown;

export interface CheckOptions {
  readonly check: CheckFunction;
  /** Default true. Say false when the service still answers something useful without it. */
  readonly required?: boolean;
  /** How long one probe may take, in milliseconds (default 1000). */
  readonly timeoutMs?: number;
  /** How long an answer is repeated, so that probes never become load (default 1000). */
  readonly cacheMs?: number;
}

export type Check = CheckFunction | CheckOptions;

type CheckResults = Readonly<Record<string, CheckResult>>;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Why an answer means "with less than usual"; null when it does not. */
function degradedReason(answer: unknown): string | null {
  if (typeof answer !== 'object' || answer === null || !('degraded' in answer)) return null;
  return typeof answer.degraded === 'string' ? answer.degraded : JSON.stringify(answer.degraded);
}

/** One probe, never longer than its timeout. Its signal tells a check that honours it to let go. */
async function probe({ check, required = true, timeoutMs = 1_000 }: CheckOptions): Promise<CheckResult> {
  const began = performance.now();
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      controller.abort();
      reject(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
  });
  const tookMs = (): number => Math.round(performance.now() - began);
  try {
    const answer: unknown = await Promise.race([attempt(check, controller.signal), late]);
    const reason = degradedReason(answer);
    if (reason !== null) return { status: 'degraded', required, reason, tookMs: tookMs() };
    return { status: 'ok', required, tookMs: tookMs() };
  } catch (error) {
    return { status: 'down', required, reason: messageOf(error), tookMs: tookMs() };
  } finally {
    clearTimeout(timer);
  }
}

/** Repeats the last answer for `cacheMs`; probes that come at once share one. */
function cached(options: CheckOptions): () => Promise<CheckResult> {
  const cacheMs = options.cacheMs ?? 1_000;
  let last: { readonly answer: Promise<CheckResult>; freshUntil: number } | null = null;
  return () => {
    if (last !== null && performance.now() < last.freshUntil) return last.answer;
    const entry = { answer: probe(options), freshUntil: Number.POSITIVE_INFINITY };
    last = entry;
    void entry.answer.then(() => {
      entry.freshUntil = performance.now() + cacheMs;
    });
    return entry.answer;
  };
}

/** Returns a function that answers all checks at once; it never rejects and is bounded by the longest timeout. */
export function createChecks(checks: Readonly<Record<string, Check>>): () => Promise<CheckResults> {
  const probes = Object.entries(checks).map(([name, check]) => [name, cached(typeof check === 'function' ? { check } : check)] as const);
  return async () => Object.fromEntries(await Promise.all(probes.map(async ([name, ask]) => [name, await ask()] as const)));
}
