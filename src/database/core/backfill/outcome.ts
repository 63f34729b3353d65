import type { Verdict } from '../../../kernel/pure.ts';

/** What is known of the rows after a walk over the table. */
export interface Walked {
  /** What the verification query answered. */
  readonly wrong: number;
  /** What is said when it found none. */
  readonly passed: string;
  /** Rows that are changed, in all runs. */
  readonly changed: number;
  /** Rows for which `where` is true, without those that are set aside. */
  readonly open: number;
  /** Those that are set aside. */
  readonly aside: number;
  /** Walks in a row that changed nothing, up to this one. */
  readonly idle: number;
  /** Walks in a row that changed rows and yet left no fewer open than the best one before. */
  readonly stale: number;
  /** Sessions that hold rows of the table; empty where none is seen. */
  readonly holders: readonly string[];
}

/** How the walks over the table ended, together. */
export interface PassesEnd {
  readonly verdict: Verdict;
  readonly because: string;
  readonly wrong: number | null;
}

/** Rows that are held by others for so many walks are held for good. */
const MOST_IDLE = 5;
/** A writer that adds rows as fast as walks change them is not outrun by more walks. */
const MOST_STALE = 3;

/** How the walks ended with the last one; null when another may find what is still wrong. */
export function endAfter(walked: Walked): PassesEnd | null {
  const { wrong, passed, changed, open, aside, idle, stale } = walked;
  // Right where the table is empty yet, or all is done; the same says a condition with a slip in it.
  const none = changed === 0 ? '; `where` found no row to change: does it say what was meant?' : '';
  // A verification of its own may look at less than `where`, but a row that was held must not stay behind for that.
  const over = open === 0 || idle >= MOST_IDLE || stale >= MOST_STALE;
  if (wrong === 0 && over) return { verdict: 'pass', because: `${passed}${open === 0 ? none : leftOver(walked)}`, wrong };
  if (wrong === 0) return null;
  if (open === 0) return { verdict: 'fail', because: hopeless(wrong, aside), wrong };
  if (idle >= MOST_IDLE) return { verdict: 'unknown', because: `${count(open)} not changed in ${idle} walks${heldBy(walked)}`, wrong };
  if (stale < MOST_STALE) return null;
  const because = `${count(open)} new since the last walk began, and ${stale} walks did not make them fewer: something still writes the old shape, so more walks would not end it. Release the version that writes the new shape everywhere, then run it again`;
  return { verdict: 'unknown', because, wrong };
}

function leftOver({ open, idle, holders }: Walked): string {
  const why =
    idle >= MOST_IDLE ? (holders.length === 0 ? 'not changed' : `held by ${holders.join('; ')}`) : 'new since the last walk began';
  return `; \`where\` is still true of ${open} ${open === 1 ? 'row' : 'rows'} (${why}), which the verification does not take for wrong`;
}

const count = (rows: number): string => (rows === 1 ? '1 row that needs work is' : `${rows} rows that need work are`);

function hopeless(wrong: number, aside: number): string {
  if (aside === 0) return `\`verify\` says that ${wrong} rows are wrong, and \`where\` finds none to change: one of the two is not right`;
  return `${aside} rows are left, which are set aside: repair them or what is done with them, then run it again with --retry`;
}

function heldBy({ holders }: Walked): string {
  if (holders.length === 0) return ': a transaction that cannot be seen from here (a prepared one?) holds them. Look at pg_prepared_xacts';
  return `, because others hold them: ${holders.join('; ')}. Run it again when those transactions have ended`;
}

/** How the walks came on, one after the other. */
export interface Course {
  readonly idle: number;
  readonly stale: number;
  /** Fewest rows that a walk left open. */
  readonly least: number;
}

export const BEGINNING: Course = { idle: 0, stale: 0, least: Number.POSITIVE_INFINITY };

export function onward({ idle, stale, least }: Course, { changed, open }: { readonly changed: number; readonly open: number }): Course {
  const fewer = open < least;
  return {
    idle: changed === 0 ? idle + 1 : 0,
    stale: fewer ? 0 : stale + (changed === 0 ? 0 : 1),
    least: fewer ? open : least,
  };
}
