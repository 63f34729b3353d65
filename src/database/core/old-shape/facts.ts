import type { Duration, Instant } from '../../../kernel/pure.ts';
import type { Use } from './column-use.ts';
import type { Watched } from './watch.ts';

/** Whether something could be looked at; otherwise why not, and what to do. */
export type Seen<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string; readonly fix: string };

/** A statement the server has counted that uses an old shape. */
export interface CountedStatement {
  readonly text: string;
  readonly shape: string;
  /** `unreadable`: it mentions the table, and its text cannot be parsed. */
  readonly use: Use | 'unreadable';
  readonly calls: number;
  readonly watched: Watched;
}

/** What the server has counted. */
export interface StatementFacts {
  /** Statements that mention the tables, and were read. */
  readonly looked: number;
  /** Since when every statement is counted, as far as is known: since the counters were reset, or were first looked at. */
  readonly since: Instant;
  /** When the server last gave up counting some statements to make room for others; null where it never did. */
  readonly evictedAt: Instant | null;
  /** False while an old version runs: what it calls is not kept, so the next look knows nothing of this one. */
  readonly remembered: boolean;
  /** Statements of which this user may not see the text. */
  readonly hidden: number;
  readonly uses: readonly CountedStatement[];
}

/** Something in the database that uses an old shape. */
export interface Dependant {
  /** `view public.full_names`. */
  readonly what: string;
  readonly shape: string;
  readonly use: Use | 'unreadable';
  readonly how: string;
}

/** Sessions of one program on the database. */
export interface SessionGroup {
  readonly name: string;
  readonly user: string;
  readonly address: string;
  readonly count: number;
  readonly since: Instant | null;
}

/** What was found of mismatching rows. */
export interface MismatchSample {
  readonly rows: number;
  readonly mismatched: number;
  /** Rows of which the condition is null: it says neither that they disagree nor that they agree. */
  readonly undecided: number;
  /** Of those rows, the ones drawn by chance: only they say anything of the rows that were not looked at. */
  readonly drawn: { readonly rows: number; readonly mismatched: number };
  /** Keys of some of them. */
  readonly examples: readonly string[];
  /** Every row was looked at. */
  readonly complete: boolean;
  readonly tookMs: Duration;
}

/** Rows in which the old and the new shape disagree: where, and how that is seen. */
export interface MismatchDefinition {
  readonly table: string;
  /** Columns of a unique index; null takes the primary key. */
  readonly key: readonly string[] | null;
  /** SQL condition that is true of a row in which they disagree. */
  readonly where: string;
  /** Share of rows that may. */
  readonly allow: number;
}
