import type { Duration } from '../../../kernel/pure.ts';

/** How many rows the next batch looks at, and whether the size is still being found out. */
export interface Pace {
  readonly rows: number;
  /** Doubling until the first transaction is too long, as TCP does: a fixed first step would take minutes to reach a good size. */
  readonly starting: boolean;
  /** Set while a bad row is being searched: the size to come back to. */
  readonly bisecting: number | null;
}

export interface PaceLimits {
  readonly transactionMs: Duration;
  readonly mostRowsPerBatch: number;
}

const FIRST_ROWS = 100;
const FEWEST_ROWS = 1;
/** Rows added after a transaction within the budget, as a share of the size; at least one. */
const STEP = 0.05;
/** Below half of the budget it is far from the right size, as after a stall of the disk, and 5 % a batch would take too long. */
const FAR_UNDER_STEP = 0.25;
/** A batch this far over its budget is halved; one just over it is only cut to fit, or the size would swing. */
const FAR_OVER = 2;

export const firstPace = ({ mostRowsPerBatch }: PaceLimits): Pace => ({
  rows: Math.min(FIRST_ROWS, mostRowsPerBatch),
  starting: true,
  bisecting: null,
});

/**
 * Additive increase, multiplicative decrease, towards a budget of transaction time (Chiu and Jain, 1989).
 * @param tookMs of the last batch, which looked at `pace.rows` rows
 */
export function afterBatch(pace: Pace, tookMs: Duration, limits: PaceLimits): Pace {
  if (pace.bisecting !== null) return grownBack(pace, pace.bisecting);
  const { transactionMs } = limits;
  if (tookMs > transactionMs) {
    const factor = tookMs > FAR_OVER * transactionMs ? 0.5 : (0.9 * transactionMs) / tookMs;
    return { ...pace, rows: Math.max(FEWEST_ROWS, Math.floor(pace.rows * factor)), starting: false };
  }
  const farUnder = tookMs <= transactionMs / 2;
  const starting = pace.starting && farUnder;
  const share = starting ? 1 : farUnder ? FAR_UNDER_STEP : STEP;
  const more = pace.rows + Math.max(1, Math.floor(pace.rows * share));
  return { ...pace, rows: Math.min(limits.mostRowsPerBatch, more), starting };
}

/** A batch that a row in it refused: half of it, until that row stands alone. */
export function afterRefusal(pace: Pace): Pace {
  return { ...pace, rows: Math.max(FEWEST_ROWS, Math.floor(pace.rows / 2)), bisecting: pace.bisecting ?? pace.rows };
}

/** A batch that somebody's lock or the time limit stopped. */
export function afterConflict(pace: Pace): Pace {
  return { ...pace, rows: Math.max(FEWEST_ROWS, Math.floor(pace.rows / 2)), starting: false };
}

function grownBack(pace: Pace, to: number): Pace {
  const rows = Math.min(to, pace.rows * 2);
  return { ...pace, rows, bisecting: rows === to ? null : to };
}
