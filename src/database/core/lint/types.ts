import type { Statement } from '../types.ts';
import type { FormFacts, FormName, LockMode } from './measured-facts.ts';
import type { RuleId } from './rules.ts';
import type { Schema } from './schema.ts';

/** `error` blocks, `warning` asks to be read, `notice` is about style and never blocks. */
export type Severity = 'error' | 'warning' | 'notice';

/** What a check says about a statement, before severity and position are settled. */
export interface Draft {
  readonly rule: RuleId;
  readonly message: string;
  /** Byte of the file at which it is; left out: where the statement begins. */
  readonly at?: number;
  readonly relation?: string;
  /** SQL that gets there without the danger. */
  readonly fix?: string;
  /** Other than the rule's own. */
  readonly severity?: Severity;
  /** `unknown`: only the catalog could tell, and it was not asked. */
  readonly certainty?: 'unknown';
  /** The danger grows with the table: sizes raise or lower it. */
  readonly scales?: true;
  /** Writers wait, but readers go on while it runs. */
  readonly readable?: true;
  /** The server says it when the function is made, not only when it is called. */
  readonly atOnce?: true;
}

/** One thing a statement does: ALTER TABLE may do several. */
export interface Action {
  /** The measured form it has; null when none was measured. */
  readonly form: FormName | null;
  /** Relations by the part they play in the form. */
  readonly roles: Readonly<Record<string, string>>;
  /** Byte of the file at which it begins. */
  readonly at?: number;
  /** The node it was read from. */
  readonly node: Statement['node'];
  /** What of it is worth a finding beyond its locks; `recognise.ts` names them. */
  readonly detail?: Detail;
}

/** What the recogniser found out with the schema's help. */
export interface Detail {
  readonly column?: string;
  readonly constraint?: string;
  /** The columns of a constraint or index. */
  readonly columns?: readonly string[];
  /** For a type change: from and to as text, and whether the old type is known. */
  readonly type?: { readonly from: string | null; readonly to: string; readonly narrows: boolean };
  /** Certainty of the form itself. */
  readonly unsure?: string;
}

/** An action with what was measured of it on the chosen version, on relations that may be in use. */
export interface Impact {
  readonly action: Action;
  readonly facts: FormFacts | null;
  /** Locks on relations that may be in use while it runs. */
  readonly locks: readonly { readonly relation: string; readonly mode: LockMode }[];
  readonly scans: readonly string[];
  readonly rewrites: readonly string[];
}

/** A statement at its place in the file's transactions. */
export interface Placed {
  readonly statement: Statement;
  /** Statements of one number share a transaction. */
  readonly transaction: number;
  /** False where every statement commits by itself. */
  readonly shared: boolean;
  /** A block's or function's own: it runs within that statement. */
  readonly inside: 'block' | 'function' | null;
  /** In a function that this statement makes, which the server reads at once (SQL), or only when it is called. Left out for what runs here. */
  readonly body?: 'read' | 'unread';
  /** What places in its tree are counted from, as a byte of the file; null when its text is not in the file as it is. */
  readonly base: number | null;
}

/** Everything a check may look at. */
export interface Context {
  readonly placed: Placed;
  readonly statement: Statement;
  readonly impacts: readonly Impact[];
  /** As it was before this statement. */
  readonly schema: Schema;
  /** What was done before in the same transaction. */
  readonly done: Done;
  readonly file: FileFacts;
  readonly options: LintOptions;
}

/** What was done so far in a transaction, as much of it as is asked for: relations by the names they have now, oldest first. */
export interface Done {
  /** Null where nothing was. */
  readonly last: Statement | null;
  /** Their locks keep writers waiting. */
  readonly writersOut: ReadonlySet<string>;
  /** Their locks keep everybody waiting. */
  readonly allOut: ReadonlySet<string>;
  /** Tables that are gone. */
  readonly dropped: ReadonlySet<string>;
}

/** What is known of the file as a whole. */
export interface FileFacts {
  readonly name: string;
  readonly index: number;
  /** That it shares with files before or after it; null where it has its own. */
  readonly transaction: number | null;
  readonly transactions: TransactionMode;
  /** How many statements it has. */
  readonly statements: number;
  /** Values of `SET` so far, by lower-case name; `transaction` is the one they end with, null for the session's. */
  readonly settings: ReadonlyMap<string, { readonly value: string; readonly transaction: number | null }>;
  /** Did Slipway's own apply set the timeouts? */
  readonly limited: boolean;
  /** Nobody knows whether all of it runs, and all that stands before it. */
  readonly conditional: boolean;
}

/**
 * How the tool runs a file: `file`: in one transaction; `string`: as one query string, which is one transaction when it has several
 * statements; `statement`: each by itself; `auto`: in one, unless a statement cannot be.
 */
export type TransactionMode = 'file' | 'string' | 'statement' | 'auto';

export interface LintOptions {
  /** Major version of PostgreSQL. */
  readonly version: number;
  /** Its second number, where it is known. */
  readonly minor?: number;
  /** Whether the session's TimeZone is UTC; null when nobody knows. */
  readonly utc: boolean | null;
  /** Where the database looks for bare names, where it was asked; left out: the usual. */
  readonly path?: readonly string[];
  /** Bytes and rows by table; a table that is not in it is of unknown size. */
  readonly sizes: ReadonlyMap<string, TableSize>;
}

export interface TableSize {
  readonly rows: number;
  readonly bytes: number;
}
