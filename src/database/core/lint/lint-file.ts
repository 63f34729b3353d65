import type { Statement } from '../types.ts';
import { checkFile } from './checks-file.ts';
import { checkLocks } from './checks-locks.ts';
import { checkReach, mixedFile } from './checks-reach.ts';
import { checkOldVersion } from './checks-old-version.ts';
import { checkRows } from './checks-rows.ts';
import { checkStyle } from './checks-style.ts';
import { calledFunctions, checkTransactions } from './checks-transactions.ts';
import { checkVersion } from './checks-version.ts';
import { withPlace } from './command-place.ts';
import { oncePerFile, settle, type Finding, type Source } from './findings.ts';
import { followRename } from './follow-rename.ts';
import { impactOf } from './impact.ts';
import type { LockMode } from './measured-facts.ts';
import { recognise } from './recognise.ts';
import { applyStatement } from './schema-apply.ts';
import type { Schema } from './schema.ts';
import { isUtc, resetBy, settingOf } from './settings.ts';
import { readSuppressions } from './suppressions.ts';
import { slipDraft, timeline } from './timeline.ts';
import type { Context, Done, Draft, FileFacts, LintOptions, Placed, TransactionMode } from './types.ts';

/** A statement with those in its body, when it is a DO block or makes a function. */
export interface Unfolded {
  readonly statement: Statement;
  readonly inner: readonly Inner[];
  /** SQL in it that is put together at run time, by line. */
  readonly hidden: readonly number[];
  /** Why its body cannot be parsed; null where it can, or where it has none. */
  readonly refused: string | null;
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
  /** Its tool refuses a file of which only some statements can be in a transaction. */
  readonly unmixed: boolean;
}

/** What a statement does to tables in use: what a trace of it must find. */
export interface Claim {
  /** Which statement of the file does it, from 1; for what a block does, the block. */
  readonly statement: number;
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
export function lintFile(source: LintSource, place: InHistory, schema: Schema, options: LintOptions): Judged {
  const file = factsOf(source, place);
  const all = source.statements.map((one) => one.statement);
  const { placed, slips } = timeline(all, source.transactions, firstOf(place));
  const run: Run = { schema, place, file, options, earlier: place.carried?.done ?? [], claims: [], found: [] };
  run.found.push(...slips.map((slip) => whole(slipDraft(slip), slip.statement)));
  const unfolded = new Map(source.statements.map((one) => [one.statement, one]));
  const makes = source.statements.some((one) => one.makes !== null);
  const called = new Set(makes ? placed.flatMap(({ statement }) => calledFunctions(statement)) : []);
  for (const [position, one] of placed.entries()) {
    if (position > 0 && placed[position - 1]?.transaction !== one.transaction) run.earlier = [];
    const parts = unfolded.get(one.statement);
    const steps = [{ placed: one, base: 0 }, ...calledSteps(one, run), ...innerSteps(one, parts, called)];
    for (const step of steps) takeStep(run, step, { outer: one, position });
    if (parts !== undefined) keepBody(schema, parts);
    run.found.push(...(parts === undefined ? [] : unjudged(parts, called)), ...hiddenInCalled(one, run));
  }
  run.found.push(...checkFile(placed, schema).map((one) => whole(one.draft, one.placed.statement)));
  if (source.unmixed) run.found.push(...mixedFile(all).map(({ draft, statement }) => whole(draft, statement)));
  return { findings: settle(source, oncePerFile(run.found), readSuppressions(source.text), options), claims: run.claims };
}

/** A file on its way. */
interface Run extends Pick<Context, 'schema' | 'options'> {
  readonly place: InHistory;
  readonly file: FileFacts & { readonly settings: Settings };
  /** What was done before in the transaction that is open. */
  earlier: Done[];
  readonly claims: Claim[];
  readonly found: Found[];
}

function factsOf(source: LintSource, place: InHistory): Run['file'] {
  return {
    name: source.name,
    index: place.index,
    transaction: place.carried?.transaction ?? null,
    transactions: source.transactions,
    statements: source.statements.length,
    settings: new Map(),
    limited: source.limited,
  };
}

/** A finding about a whole statement. */
function whole(draft: Draft, statement: Statement): Found {
  return { draft, statement, base: 0, inside: null, young: false };
}

/** Judges a statement, or one of a body, and does to the schema what it would. */
function takeStep(run: Run, step: Step, { outer, position }: { readonly outer: Placed; readonly position: number }): void {
  const { schema, place, file } = run;
  const { statement, inside } = step.placed;
  const transaction = outer.transaction;
  endLocal(file.settings, step.placed);
  const context = contextOf(step, run);
  for (const draft of drafts(context))
    run.found.push({ draft, statement, base: step.base, inside, young: isYoung(draft.relation, { schema, place, transaction }) });
  run.claims.push(...claimOf(outer.statement, position + 1, context));
  noteSetting(file.settings, step.placed);
  if (inside === 'function') return;
  applyStatement(schema, statement, { file: place.index, transaction });
  run.earlier.push({ placed: step.placed, impacts: context.impacts });
  followRename(run.earlier, statement);
}

function claimOf({ line }: Statement, statement: number, { impacts, placed }: Context): readonly Claim[] {
  if (placed.inside === 'function' || impacts.length === 0) return [];
  return [
    {
      statement,
      line,
      locks: impacts.flatMap((one) => one.locks),
      scans: impacts.flatMap((one) => one.scans),
      rewrites: impacts.flatMap((one) => one.rewrites),
    },
  ];
}

/** Which of how many files one is. */
export interface InHistory {
  readonly index: number;
  readonly files: number;
  /** For a tool that applies everything pending in one transaction: that, and what was done in it by the files before. */
  readonly carried?: Carried;
}

/** Of a history a tenth, and at most so many files, is not long: a table made within it is hardly large yet. */
const YOUNG = 10;

interface Moment {
  readonly schema: Schema;
  readonly place: InHistory;
  readonly transaction: number;
}

/**
 * Is there little to read: was the table emptied by this very transaction, or made not long before? A short history says nothing
 * about that: two files may be years apart.
 */
function isYoung(relation: string | undefined, { schema, place: { index, files }, transaction }: Moment): boolean {
  const table = relation === undefined ? undefined : schema.tables.get(relation);
  if (table === undefined) return false;
  return table.emptied === transaction || (table.file !== null && index - table.file <= Math.min(YOUNG, Math.floor(files / YOUNG)));
}

/** A transaction that goes on from file to file. */
export interface Carried {
  readonly transaction: number;
  /** Grows with each file. */
  readonly done: Done[];
}

function firstOf({ index, carried }: InHistory): number {
  return carried?.transaction ?? index * TRANSACTIONS_PER_FILE;
}

/** The transaction that begins with a file. */
export function carriedFrom(index: number): Carried {
  return { transaction: index * TRANSACTIONS_PER_FILE, done: [] };
}

/** More than any file has, so that numbers of transactions never meet. */
const TRANSACTIONS_PER_FILE = 1_000_000;
const HIDDEN: Draft = { rule: 'hidden-sql', message: 'this runs SQL that only it knows when it runs, so it was not judged' };

/** What of a body was not judged. What it runs now leaves the file unknown; what a function may run when it is called is a remark. */
function unjudged({ statement, refused, hidden, makes }: Unfolded, called: ReadonlySet<string>): readonly Found[] {
  const draft: Draft = makes === null || called.has(makes) ? { ...HIDDEN, certainty: 'unknown' } : { ...HIDDEN, severity: 'notice' };
  const message = `the body of this cannot be parsed, so it was not judged: ${refused ?? ''}`;
  return [
    ...(refused === null ? [] : [whole({ rule: 'unreadable', message, certainty: 'unknown' }, statement)]),
    ...hidden.map((line): Found => ({ draft, statement: { ...statement, line }, base: null, inside: null, young: false })),
  ];
}

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

/** A function is judged again where it is called later, with what is there by then. */
function keepBody({ functions }: Schema, { makes, inner, hidden }: Unfolded): void {
  const made = makes === null ? undefined : functions.get(makes);
  if (makes !== null && made !== undefined)
    functions.set(makes, { ...made, body: inner.map(({ statement }) => statement), hidden: hidden.length > 0 });
}

/** What functions of files before this one do that a statement calls; those of its own file are judged where they are made. */
function calledSteps({ statement, transaction }: Placed, { schema, file }: Run): readonly Step[] {
  if (statement.kind === 'CreateFunctionStmt') return [];
  const made = calledFunctions(statement).map((name) => schema.functions.get(name));
  return made.flatMap((one) =>
    one === undefined || one.file === file.index
      ? []
      : one.body.map((inner): Step => ({
          placed: { statement: { ...inner, line: statement.line, start: null }, transaction, shared: true, inside: 'block', base: null },
          base: null,
        })),
  );
}

/** A function of an earlier file that is called here and puts SQL together. */
function hiddenInCalled({ statement }: Placed, { schema, file }: Run): readonly Found[] {
  if (statement.kind === 'CreateFunctionStmt') return [];
  const hides = calledFunctions(statement).some((name) => {
    const made = schema.functions.get(name);
    return made?.hidden === true && made.file !== file.index;
  });
  return hides ? [whole({ ...HIDDEN, certainty: 'unknown' }, statement)] : [];
}

function contextOf({ placed, base }: Step, { schema, earlier, file, options }: Run): Context {
  const zone = file.settings.get('timezone')?.value;
  const around = { schema, earlier, file, options: zone === undefined ? options : { ...options, utc: isUtc(zone) } };
  const actions = recognise(placed.statement, schema, around.options).map((one) => withPlace(one, placed.statement, base));
  return {
    ...around,
    placed,
    statement: placed.statement,
    impacts: actions.map((one) => impactOf(one, schema, file, around.options)),
  };
}

function drafts(context: Context): readonly Draft[] {
  return [
    ...checkLocks(context),
    ...checkTransactions(context),
    ...checkOldVersion(context),
    ...checkRows(context),
    ...checkStyle(context),
    ...checkReach(context),
    ...checkVersion(context),
  ];
}

type Settings = Map<string, { value: string; transaction: number | null }>;

/** What SET LOCAL set ends with its transaction. */
function endLocal(settings: Settings, { transaction }: Placed): void {
  for (const [name, one] of settings) if (one.transaction !== null && one.transaction !== transaction) settings.delete(name);
}

function noteSetting(settings: Settings, { statement, transaction }: Placed): void {
  const reset = resetBy(statement);
  if (reset === '*') settings.clear();
  if (reset !== null) return void settings.delete(reset);
  const set = settingOf(statement);
  if (set !== null) settings.set(set.name, { value: set.value, transaction: set.local ? transaction : null });
}
