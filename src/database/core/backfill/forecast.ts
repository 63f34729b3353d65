import type { Duration } from '../../../kernel/pure.ts';
import type { BackfillLimits } from './definition.ts';

/** What a few rows cost when they were changed on trial. */
export interface Trial {
  /** Rows that were changed. */
  readonly rows: number;
  /** What the server had with one of them, in the quickest of several tries; null where none was changed. */
  readonly rowMs: Duration | null;
  /** The least an exchange with the server takes. */
  readonly answerMs: Duration;
  /** WAL of one of them; null where the server does not tell. */
  readonly rowWalBytes: number | null;
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

/** What a trial is scaled to. */
export interface Scale {
  readonly left: number;
  /** Rows that are looked at on the way, which is all of the table. */
  readonly scanned: number;
  readonly rowBytes: number;
  readonly workers: number;
  /** Exchanges with the server for one batch. */
  readonly exchanges: number;
  readonly limits: Pick<BackfillLimits, 'nice' | 'transactionMs' | 'mostRowsPerBatch'>;
}

/** What changing the rows that are left is going to cost, from a trial of a few: work and pauses, and the ways to the server between batches. */
export function forecast({ rowMs, rowWalBytes, answerMs }: Pick<Trial, 'rowMs' | 'rowWalBytes' | 'answerMs'>, scale: Scale): Forecast {
  const { left, scanned, rowBytes, workers, exchanges, limits } = scale;
  // Rows that are only passed cost a small part of what a change does.
  const work = left + (scanned - left) * 0.02;
  const shortest = (perRow: Duration): Duration => {
    const rows = Math.min(limits.mostRowsPerBatch, Math.max(1, limits.transactionMs / perRow));
    return (work * perRow * (1 + limits.nice) + (work / rows) * exchanges * answerMs) / workers;
  };
  return {
    takesMs: rowMs === null ? null : [shortest(rowMs), shortest(rowMs) * LONGER],
    walBytes: rowWalBytes === null ? null : rowWalBytes * left,
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
