import type { Statement } from '../types.ts';
import { checkFile } from './checks-file.ts';
import { checkLocks } from './checks-locks.ts';
import { checkOldVersion } from './checks-old-version.ts';
import { checkRows } from './checks-rows.ts';
import { checkStyle } from './checks-style.ts';
import { calledFunctions, checkTransactions } from './checks-transactions.ts';
import { withPlace } from './command-place.ts';
import { settle, type Finding, type Source } from './findings.ts';
import { impactOf } from './impact.ts';
import type { LockMode } from './measured-facts.ts';
import { recognise } from './recognise.ts';
import { applyStatement } from './schema-apply.ts';
import type { Schema } from './schema.ts';
import { settingOf } from './settings.ts';
import { readSuppressions } from './suppressions.ts';
import { timeline, type Slip } from './timeline.ts';
import type { Context, Done, Draft, FileFacts, LintOptions, Placed, TransactionMode } from './types.ts';

/** A statement with those in its body, when it is a DO block or makes a function. */
export interface Unfolded {
  readonly statement: Statement;
  readonly inner: readonly Inner[];
  /** SQL in it that is put together at run time, by line. */
  readonly hidden: readonly number[];
  /** The function it makes, which may be called later in the file. */
  readonly makes: string | null;
}

/** A statement of a body. */
export interface Inner {
  readonly statement: Statement;
  /** Byte of the file at which its text begins; null when the body is not in the file as it is. */
  readonly base: number | null;
}

/** One file, parsed and ready to be judged. */
export interface LintSource extends Source {
  readonly statements: readonly Unfolded[];
  readonly transactions: TransactionMode;
  /** Applied by Slipway, which sets the limits itself. */
  readonly limited: boolean;
}

/** What a statement does to tables in use: what a trace of it must find. */
export interface Claim {
  readonly line: number;
  readonly locks: readonly { readonly relation: string; readonly mode: LockMode }[];
  readonly scans: readonly string[];
  readonly rewrites: readonly string[];
}

/** A file's findings, and what its statements do. */
export interface Judged {
  readonly findings: readonly Finding[];
  readonly claims: readonly Claim[];
}

/** Judges one file and changes the schema as it would. */
export function lintFile(source: LintSource, index: number, schema: Schema, options: LintOptions): Judged {
  const claims: Claim[] = [];
  const found: Found[] = [];
  const settings = new Map<string, { value: string; transaction: number | null }>();
  const file: FileFacts = {
    name: source.name,
    index,
    transactions: source.transactions,
    statements: source.statements.length,
    settings,
    limited: source.limited,
  };
  const { placed, slips } = timeline(
    source.statements.map((one) => one.statement),
    source.transactions,
    index * TRANSACTIONS_PER_FILE,
  );
  found.push(...slips.map((slip) => ({ draft: slipDraft(slip), statement: slip.statement, base: 0, inside: null, young: false })));
  const unfolded = new Map(source.statements.map((one) => [one.statement, one]));
  const makes = source.statements.some((one) => one.makes !== null);
  const called = new Set(makes ? placed.flatMap(({ statement }) => calledFunctions(statement)) : []);
  let earlier: Done[] = [];
  for (const [position, one] of placed.entries()) {
    if (position > 0 && placed[position - 1]?.transaction !== one.transaction) earlier = [];
    const parts = unfolded.get(one.statement);
    const steps: readonly Step[] = [{ placed: one, base: 0 }, ...innerSteps(one, parts, called)];
    for (const step of steps) {
      const context = contextOf(step, { schema, earlier, file, options });
      const { statement, inside } = step.placed;
      found.push(
        ...drafts(context).map((draft) => ({ draft, statement, base: step.base, inside, young: isYoung(draft.relation, schema, index) })),
      );
      claims.push(...claimOf(statement, context));
      noteSetting(settings, step.placed);
      if (step.placed.inside !== 'function') applyStatement(schema, step.placed.statement, { file: index, transaction: one.transaction });
      if (step.placed.inside !== 'function') earlier.push({ placed: step.placed, impacts: context.impacts });
    }
    for (const line of parts?.hidden ?? [])
      found.push({ draft: HIDDEN, statement: { ...one.statement, line }, base: null, inside: one.inside, young: false });
  }
  found.push(
    ...checkFile(placed, schema).map(({ draft, placed: { statement } }) => ({ draft, statement, base: 0, inside: null, young: false })),
  );
  return { findings: settle(source, oncePerFile(found), readSuppressions(source.text), options), claims };
}

function claimOf({ line }: Statement, { impacts, placed }: Context): readonly Claim[] {
  if (placed.inside === 'function' || impacts.length === 0) return [];
  return [
    {
      line,
      locks: impacts.flatMap((one) => one.locks),
      scans: impacts.flatMap((one) => one.scans),
      rewrites: impacts.flatMap((one) => one.rewrites),
    },
  ];
}

/** A table that was made so few migrations before is hardly large yet. */
const YOUNG = 10;

function isYoung(relation: string | undefined, schema: Schema, index: number): boolean {
  const made = relation === undefined ? undefined : schema.tables.get(relation)?.file;
  return made !== undefined && made !== null && index - made <= YOUNG;
}

/** More than any file has, so that numbers of transactions never meet. */
const TRANSACTIONS_PER_FILE = 1_000_000;
const HIDDEN: Draft = { rule: 'hidden-sql', message: 'this EXECUTE runs SQL that is put together when it runs, so it was not judged' };

/** A draft with the statement it is about. */
export interface Found {
  readonly draft: Draft;
  readonly statement: Statement;
  readonly base: number | null;
  readonly inside: Placed['inside'];
  /** These files made its table not long before. */
  readonly young: boolean;
}

interface Step {
  readonly placed: Placed;
  readonly base: number | null;
}

/** A block runs now; a function only when something calls it, unless this file does. */
function innerSteps(outer: Placed, unfolded: Unfolded | undefined, called: ReadonlySet<string>): readonly Step[] {
  const inside = unfolded?.makes === null || (unfolded?.makes !== undefined && called.has(unfolded.makes)) ? 'block' : 'function';
  return (unfolded?.inner ?? []).map(({ statement, base }) => ({
    placed: { statement, transaction: outer.transaction, shared: true, inside, base },
    base,
  }));
}

function contextOf({ placed, base }: Step, around: Pick<Context, 'schema' | 'earlier' | 'file' | 'options'>): Context {
  const actions = recognise(placed.statement, around.schema, around.options).map((one) => withPlace(one, placed.statement, base));
  return {
    ...around,
    placed,
    statement: placed.statement,
    impacts: actions.map((one) => impactOf(one, around.schema, around.file, around.options)),
  };
}

function drafts(context: Context): readonly Draft[] {
  return [
    ...checkLocks(context),
    ...checkTransactions(context),
    ...checkOldVersion(context),
    ...checkRows(context),
    ...checkStyle(context),
  ];
}

function noteSetting(settings: Map<string, { value: string; transaction: number | null }>, { statement, transaction }: Placed): void {
  for (const [name, one] of settings) if (one.transaction !== null && one.transaction !== transaction) settings.delete(name);
  const set = settingOf(statement);
  if (set !== null) settings.set(set.name, { value: set.value, transaction: set.local ? transaction : null });
}

function slipDraft({ kind, statement }: Slip): Draft {
  switch (kind) {
    case 'nested':
      return {
        rule: 'nested-transaction',
        message: 'a transaction is open already: this BEGIN does nothing, and its COMMIT ends the outer one',
      };
    case 'commits-managed':
      return { rule: 'managed-transaction', message: 'this ends the transaction the tool runs the file in' };
    case 'left-open':
      return { rule: 'open-transaction', message: 'this transaction is not ended in the file' };
    case 'alone':
      return {
        rule: 'index-in-transaction',
        message: `PostgreSQL refuses this inside a transaction`,
        fix: `-- in a file of its own, outside a transaction:\n${statement.text};`,
      };
  }
}

/** Said once for each file, at the first place. */
const ONCE: ReadonlySet<string> = new Set(['lock-timeout', 'statement-timeout', 'idle-timeout', 'several-locks', 'work-under-lock']);

function oncePerFile(found: readonly Found[]): readonly Found[] {
  const told = new Set<string>();
  return found.filter(({ draft: { rule } }) => {
    if (!ONCE.has(rule)) return true;
    if (told.has(rule)) return false;
    told.add(rule);
    return true;
  });
}
