import type { Verdict } from '../../../kernel/pure.ts';

/**
 * Where the values of an execution come from. `none`: the statement takes none. `recorded`: they stand beside it, as the version sent them.
 * `row`: of one row that is in the database. `fresh`: the same, but for what must not be there twice. `invented`: of the types, as no row has any.
 */
export type Origin = 'none' | 'recorded' | 'row' | 'fresh' | 'invented';

/** What came of one execution. `rows`: how many it changed or read. */
export type Execution =
  | (Tried & { readonly ok: true; readonly rows: number })
  | (Tried & { readonly ok: false; readonly code: string; readonly message: string });

interface Tried {
  readonly origin: Origin;
  /** Which of the recorded lists it was, from 0; null for other values. */
  readonly list: number | null;
}

/** What a statement came to. */
export interface Answer {
  readonly verdict: Verdict;
  readonly reason: string;
  /** The best values with which it did something; null when there were none. */
  readonly origin: Origin | null;
  /** Recorded lists that were carried out. */
  readonly worked: readonly number[];
}

const WITH: Readonly<Record<Origin, string>> = {
  none: '',
  recorded: ' with the values recorded beside it',
  row: ' with values of rows that are there',
  fresh: ' with values like those of rows that are there',
  invented: ' with values made up for their types',
};

/** Refusals that depend on which rows are there: without them the same statement may do. */
const BY_OTHER_ROWS = new Set(['23503', '23505', '23P01']);
/** Constants were taken out of it, and with them what their types were. */
const UNTYPED = new Set(['42P18', '42P08', '42725']);
const TIMED_OUT = '57014';

/** A statement that cannot even be prepared. */
export function unprepared(code: string, message: string, parameters: boolean): Answer {
  const words = `${message} [${code}]`;
  if (parameters && UNTYPED.has(code))
    return { verdict: 'unknown', reason: `its parameters have no type any more: ${words}`, origin: null, worked: [] };
  return { verdict: 'fail', reason: words, origin: null, worked: [] };
}

/**
 * What the executions of one statement say of the schema, the best of them first: one that did something passes, one that the schema refused
 * fails, and one that its values may have been to blame for is unknown.
 * @param executions in the order tried
 * @param before what it came to on the schema the version was made for; null when it was not tried there
 */
export function answerOf(executions: readonly Execution[], writes: boolean, before: Answer | null): Answer {
  const worked = executions.flatMap(({ ok, list }) => (ok && list !== null ? [list] : []));
  return { ...judged(executions, writes, before), worked };
}

type Judged = Omit<Answer, 'worked'>;

function judged(executions: readonly Execution[], writes: boolean, before: Answer | null): Judged {
  const blamed = executions.find((one) => !one.ok && blamesSchema(one, before));
  if (blamed !== undefined && !blamed.ok) return refused(blamed, 'fail');
  const done = executions.find((one) => one.ok && !(writes && one.rows === 0));
  if (done !== undefined) {
    const fallback = done.origin !== 'recorded' && executions.some(({ origin }) => origin === 'recorded');
    const why = fallback ? ', as the recorded ones do not fit the rows that are there' : '';
    return { verdict: 'pass', reason: `prepared, executed${WITH[done.origin]}${why} and taken back`, origin: done.origin };
  }
  const idle = executions.find((one) => one.ok);
  if (idle !== undefined)
    return {
      verdict: 'unknown',
      reason: `prepared and executed${WITH[idle.origin]}, but there was no row for it to change: add one to the sample data`,
      origin: null,
    };
  const first = executions.find((one) => !one.ok);
  if (first === undefined || first.ok) return { verdict: 'unknown', reason: NO_VALUES, origin: null };
  return refused(first, 'unknown');
}

const NO_VALUES = 'prepared, not executed: no values for its parameters are known; write them before it (-- values: [...])';

function refused({ origin, code, message }: Extract<Execution, { ok: false }>, verdict: 'fail' | 'unknown'): Judged {
  const blame = verdict === 'fail' ? '' : code === TIMED_OUT ? '; it took too long to be tried' : '; the values may be to blame';
  return { verdict, reason: `executed${WITH[origin]}: ${message} [${code}]${blame}`, origin: null };
}

/** What is there, and what may be left out: no values change that. */
const BY_NO_VALUES = /^(42|0A|23502)/;

/** Is it the schema that refused, whatever the values? */
function blamesSchema({ origin, code, list }: Extract<Execution, { ok: false }>, before: Answer | null): boolean {
  if (code === TIMED_OUT) return false;
  if (origin === 'none' || BY_NO_VALUES.test(code)) return true;
  // What worked with these very values before is not for the values to answer for.
  if (list !== null) return before?.worked.includes(list) === true || !BY_OTHER_ROWS.has(code);
  return before?.origin === origin && code === '23514';
}
