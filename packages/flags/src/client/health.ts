import type { Refusal } from '../core/stream/apply.ts';
import type { Platform } from './platform.ts';
import { Unanswered } from './requests.ts';
import { ForeignEnvironment } from './stream.ts';
import type { State } from './types.ts';
import { refusedText, type Refused } from './words.ts';

/** What a client knows of how well it is served. */
export interface Health {
  /** Up to `ageMs` ago, what the client has was all there is. Infinity: nobody knows. */
  heard(ageMs: number): void;
  failed(error: unknown): void;
  refused(what: Refused): void;
  /** The server showed older flags, so nobody knows whether these are the newest; until something is heard. */
  doubted(): void;
  /** For how long it has not been known whether there is anything newer. */
  silentForMs(): number;
  state(hasFlags: boolean): State;
  /** The server refuses the token, or has another environment for it, which no waiting will change. */
  isRejected(): boolean;
  problem(): string | null;
  refusals(): Readonly<Record<Refusal, number>>;
}

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
      rejected = error instanceof ForeignEnvironment || (error instanceof Unanswered && error.isFinal);
      problem = error instanceof Error ? error.message : String(error);
    },
    refused: (what) => {
      refusals[what.why] += 1;
      problem = refusedText(what);
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
