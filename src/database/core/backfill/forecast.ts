import type { Duration } from '../../../kernel/pure.ts';

/** What a few rows cost when they were changed on trial. */
export interface Trial {
  readonly rows: number;
  readonly tookMs: Duration;
  /** WAL the change wrote; null where the server does not tell. */
  readonly walBytes: number | null;
  /** Of the rows tried, those that the server refused to write. */
  readonly refused: number;
  /** `where` is still true of a row that was changed: the run would stop there. */
  readonly stays: boolean;
}

export interface Forecast {
  /** Shortest and longest it is likely to take, pauses included. */
  readonly takesMs: readonly [Duration, Duration] | null;
  readonly walBytes: number | null;
  /** What the table grows by until vacuum has freed the old versions of its rows. */
  readonly bloatBytes: number;
}

/** Rows that are cold on the disk, busy hours and waits make it longer; nothing makes it much shorter. */
const LONGER = 4;

/**
 * What changing `left` rows is going to cost, from a trial of a few.
 * @param scanned rows that are looked at on the way, which is all of the table
 */
export function forecast(
  trial: Pick<Trial, 'rows' | 'tookMs' | 'walBytes'>,
  {
    left,
    scanned,
    rowBytes,
    nice,
    workers,
  }: { readonly left: number; readonly scanned: number; readonly rowBytes: number; readonly nice: number; readonly workers: number },
): Forecast {
  // Rows that are only passed cost a small part of what a change does.
  const work = left + (scanned - left) * 0.02;
  const perRow = trial.rows === 0 ? null : trial.tookMs / trial.rows;
  const shortest = perRow === null ? null : (work * perRow * (1 + nice)) / workers;
  return {
    takesMs: shortest === null ? null : [shortest, shortest * LONGER],
    walBytes: trial.walBytes === null || trial.rows === 0 ? null : (trial.walBytes / trial.rows) * left,
    bloatBytes: rowBytes * left,
  };
}

/** Where a running backfill is and when it is likely to end. */
export interface ProgressFigures {
  readonly scanned: number;
  readonly total: number;
  readonly perSecond: number;
  readonly leftMs: Duration | null;
}

/** @param recent rows looked at in the last `overMs` */
export function progressOf(scanned: number, total: number, recent: number, overMs: Duration): ProgressFigures {
  const perSecond = overMs <= 0 ? 0 : (recent / overMs) * 1000;
  const known = Math.max(total, scanned);
  return { scanned, total: known, perSecond, leftMs: perSecond === 0 ? null : ((known - scanned) / perSecond) * 1000 };
}
