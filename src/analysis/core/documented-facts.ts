import type { Duration, Instant } from '../../kernel/pure.ts';
import type { Pair } from './counts.ts';

export const MINUTE_MS: Duration = 60_000;

/** Requests by duration: `counts[i]` took at most `bounds[i]` ms, the last one took longer than all bounds. */
export interface Durations {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** One quantity of both versions at one moment. */
export interface Reading {
  readonly canary: number;
  readonly stable: number;
}

/** What a tick may tell beside counts, of the time since the tick before; null where it is not known. */
export interface TickFacts {
  readonly durations: { readonly canary: Durations; readonly stable: Durations } | null;
  readonly cpu: Reading | null;
  readonly memory: Reading | null;
  /** The canary's memory against its limit, 0 to 1. */
  readonly memoryOfLimit: number | null;
  /** Restarts of canary instances. */
  readonly restarts: number;
  readonly probes: { readonly failing: number; readonly all: number } | null;
  readonly breakersOpen: boolean | null;
  readonly corrupted: boolean | null;
}

/** Nothing but counts. */
export const NO_FACTS: TickFacts = {
  durations: null,
  cpu: null,
  memory: null,
  memoryOfLimit: null,
  restarts: 0,
  probes: null,
  breakersOpen: null,
  corrupted: null,
};

/** What the documented rules look at. */
export interface DocumentedTick extends TickFacts {
  /** It tells of declared metrics alone, whose sources are read at a pace of their own. */
  readonly ofCustom?: boolean;
  readonly at: Instant;
  readonly lengthMs: Duration;
  readonly errors: Pair | null;
  /** Declared business metrics; larger is worse. One that is not named has no news. */
  readonly custom: Readonly<Record<string, Reading | null>>;
}
