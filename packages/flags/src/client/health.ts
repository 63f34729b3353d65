import type { Refusal } from '../core/stream/apply.ts';
import type { Platform } from './platform.ts';
import { Unanswered } from './requests.ts';
import type { State } from './types.ts';

/** What a client knows of how well it is served. */
export interface Health {
  /** Up to `ageMs` ago, what the client has was all there is. Infinity: nobody knows. */
  heard(ageMs: number): void;
  failed(error: unknown): void;
  refused(why: Refusal): void;
  /** The server showed older flags, so nobody knows whether these are the newest; until something is heard. */
  doubted(): void;
  /** For how long it has not been known whether there is anything newer. */
  silentForMs(): number;
  state(hasFlags: boolean): State;
  /** The server refuses the token, which no waiting will change. */
  isRejected(): boolean;
  problem(): string | null;
  refusals(): Readonly<Record<Refusal, number>>;
}

const REFUSED: Readonly<Record<Refusal, string>> = {
  malformed: 'the server sent flags that this build cannot read',
  forged: 'the server sent flags with a signature that is wrong',
  'unknown-key': 'the server sent flags signed by a key that is not trusted',
  'foreign-environment': 'the server sent flags of another environment',
  'rolled-back': 'the server sent flags older than those that are known already',
};

export function createHealth(platform: Platform, staleAfterMs: number): Health {
  const refusals: Record<Refusal, number> = { malformed: 0, forged: 0, 'unknown-key': 0, 'foreign-environment': 0, 'rolled-back': 0 };
  let heardAt = Number.NEGATIVE_INFINITY;
  let rejected = false;
  let doubtful = false;
  let problem: string | null = null;
  const silentForMs = (): number => Math.max(0, platform.monotonic() - heardAt);
  return {
    heard: (ageMs) => {
      heardAt = Math.max(heardAt, platform.monotonic() - ageMs);
      rejected = false;
      doubtful = false;
      if (silentForMs() <= staleAfterMs) problem = null;
    },
    failed: (error) => {
      rejected = error instanceof Unanswered && (error.status === 401 || error.status === 403);
      problem = error instanceof Error ? messageWithCause(error) : String(error);
    },
    refused: (why) => {
      refusals[why] += 1;
      problem = REFUSED[why];
    },
    doubted: () => void (doubtful = true),
    silentForMs,
    state: (hasFlags) => {
      if (!hasFlags || rejected) return 'ERROR';
      return doubtful || silentForMs() > staleAfterMs ? 'STALE' : 'READY';
    },
    isRejected: () => rejected,
    problem: () => problem,
    refusals: () => ({ ...refusals }),
  };
}

/** Node's `fetch failed` says nothing without its cause. */
function messageWithCause(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
