import { transactionOf } from '../transactions.ts';
import type { Statement } from '../types.ts';
import { calledIn, calledSteps, hiddenInCalled, innerSteps, keepBody, unjudged, type Step, type Unfolded } from './bodies.ts';
import { checkDependants } from './checks-dependants.ts';
import { checkFile, withoutKeyed } from './checks-file.ts';
import { refusedEndings } from './checks-endings.ts';
import { checkLocks } from './checks-locks.ts';
import { checkReach, mixedFile } from './checks-reach.ts';
import { checkOldVersion } from './checks-old-version.ts';
import { checkRows } from './checks-rows.ts';
import { checkStyle } from './checks-style.ts';
import { checkThere } from './checks-there.ts';
import { checkTransactions } from './checks-transactions.ts';
import { checkVersion } from './checks-version.ts';
import { withPlace } from './command-place.ts';
import { oncePerFile, settle, whole, type Finding, type Found, type Source } from './findings.ts';
import { forgetDependants, noteDependants } from './dependants-follow.ts';
import { beginDone, noteDone, type Doing } from './done.ts';
import { impactOf } from './impact.ts';
import type { LockMode } from './measured-facts.ts';
import { recognise } from './recognise.ts';
import { applyStatement } from './schema-apply.ts';
import type { Schema } from './schema.ts';
import { ownPath, pathOf, resolveNames, type Path } from './search-path.ts';
import { isUtc, resetBy, settingOf } from './settings.ts';
import { readSuppressions } from './suppressions.ts';
import { followThere } from './there.ts';
import { slipDraft, timeline } from './timeline.ts';
import type { Context, Draft, FileFacts, LintOptions, Placed, TransactionMode } from './types.ts';

/** One file, parsed and ready to be judged. */
export interface LintSource extends Source {
  readonly statements: readonly Unfolded[];
  readonly transactions: TransactionMode;
  /** Applied by Slipway, which sets the limits itself. */
  readonly limited: boolean;
  /** Its tool refuses a file of which only some statements can be in a transaction. */
  readonly unmixed: boolean;
  /** Nobody knows whether what runs it puts a transaction around it. */
  readonly loose: boolean;
  /** Nobody knows whether all of it runs, and all that stands before it. */
  readonly conditional: boolean;
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
  const run: Run = { schema, place, file, options, done: place.carried?.done ?? beginDone(), claims: [], found: [], placed: [] };
  run.found.push(...slips.map((slip) => whole(slipDraft(slip), slip.statement)));
  const unfolded = new Map(source.statements.map((one) => [one.statement, one]));
  const called = calledIn(source.statements);
  const loose = source.loose && !all.some((one) => transactionOf(one) === 'begin');
  for (const [position, bare] of placed.entries()) {
    if (position > 0 && placed[position - 1]?.transaction !== bare.transaction) run.done = beginDone();
    endLocal(file.settings, bare);
    const one = { ...bare, statement: resolved(bare.statement, run) };
    const parts = resolvedBody(unfolded.get(bare.statement), one.statement, run);
    run.placed.push(one);
    const inner = innerSteps(one, parts, called);
    const deeper = inner.flatMap(({ placed: step }) => (step.inside === 'block' ? calledSteps(step, run) : []));
    const steps = [{ placed: one, base: 0 }, ...calledSteps(one, run), ...inner, ...deeper];
    for (const step of steps) takeStep(run, step, { outer: one, position });
    if (parts !== undefined) keepBody(schema, parts, one.statement);
    run.found.push(...(parts === undefined ? [] : unjudged(parts, called)), ...hiddenInCalled(one, run));
    run.found.push(...refusedEndings({ placed: one, unfolded: parts, schema, loose }));
  }
  run.found.push(...checkFile(run.placed, schema, place.index).map((one) => whole(one.draft, one.placed.statement)));
  if (source.unmixed) run.found.push(...mixedFile(all).map(({ draft, statement }) => whole(draft, statement)));
  const found = oncePerFile(withoutKeyed(run.found, schema));
  return { findings: settle(source, found, readSuppressions(source.text), options), claims: run.claims };
}

/** A file on its way. */
interface Run extends Pick<Context, 'schema' | 'options'> {
  readonly place: InHistory;
  readonly file: FileFacts & { readonly settings: Settings };
  /** What was done before in the transaction that is open. */
  done: Doing;
  readonly claims: Claim[];
  readonly found: Found[];
  /** The statements so far, with the schemas of their names. */
  readonly placed: Placed[];
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
    conditional: source.conditional,
  };
}

/** Judges a statement, or one of a body, and does to the schema what it would. */
function takeStep(run: Run, step: Step, { outer, position }: { readonly outer: Placed; readonly position: number }): void {
  const { schema, place, file } = run;
  const { statement, inside } = step.placed;
  const transaction = outer.transaction;
  endLocal(file.settings, step.placed);
  const context = contextOf(step, run);
  const plain = inside === null && isPlain(statement, run);
  for (const draft of [...drafts(context), ...(plain ? checkThere(context) : [])])
    run.found.push({ draft, statement, base: step.base, inside, young: isYoung(draft.relation, { schema, place, transaction }) });
  run.claims.push(...claimOf(outer.statement, position + 1, context));
  noteSetting(file.settings, step.placed);
  if (inside === null) forgetDependants(schema, statement, plain);
  if (inside === 'function') return;
  applyStatement(schema, statement, { file: place.index, transaction });
  if (plain) noteDependants(schema, statement);
  if (plain) followThere(schema.dependants, statement);
  noteDone(run.done, statement, context.impacts);
}

/** With the schema that search_path gives to its bare names. */
function resolved(statement: Statement, run: Run): Statement {
  return resolveNames(statement, pathIn(run), run.schema).statement;
}

/** Those of a body too: a function may say its own path. */
function resolvedBody(parts: Unfolded | undefined, statement: Statement, run: Run): Unfolded | undefined {
  if (parts === undefined) return undefined;
  const path = ownPath(statement) ?? pathIn(run);
  return { ...parts, inner: parts.inner.map((one) => ({ ...one, statement: resolveNames(one.statement, path, run.schema).statement })) };
}

function pathIn({ file, options }: Run): Path {
  const set = file.settings.get('search_path')?.value;
  return set === undefined ? (options.path ?? pathOf(set)) : pathOf(set);
}

/** Is it known which relations it is about? Its names are written out already, where they are known. */
function isPlain(statement: Statement, run: Run): boolean {
  return resolveNames(statement, pathIn(run), run.schema).sure;
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

/**
 * Where so many files spell rows of it out, a table is one that migrations keep, as one of settings, kinds or rights. Two are not enough:
 * users have a first of them that a file makes, and perhaps one for the system itself.
 */
const KEPT = 3;

interface Moment {
  readonly schema: Schema;
  readonly place: InHistory;
  readonly transaction: number;
}

/**
 * Is there little to read: was the table emptied by this very transaction, made not long before, or is it one that migrations keep? A
 * short history says nothing about age: two files may be years apart.
 */
function isYoung(relation: string | undefined, { schema, place: { index, files }, transaction }: Moment): boolean {
  const table = relation === undefined ? undefined : schema.tables.get(relation);
  if (table === undefined) return false;
  if ((table.spelt?.size ?? 0) >= KEPT) return true;
  return table.emptied === transaction || (table.file !== null && index - table.file <= Math.min(YOUNG, Math.floor(files / YOUNG)));
}

/** A transaction that goes on from file to file. */
export interface Carried {
  readonly transaction: number;
  /** Grows with each file. */
  readonly done: Doing;
}

function firstOf({ index, carried }: InHistory): number {
  return carried?.transaction ?? index * TRANSACTIONS_PER_FILE;
}

/** The transaction that begins with a file. */
export function carriedFrom(index: number): Carried {
  return { transaction: index * TRANSACTIONS_PER_FILE, done: beginDone() };
}

/** More than any file has, so that numbers of transactions never meet. */
const TRANSACTIONS_PER_FILE = 1_000_000;
function contextOf({ placed, base }: Step, { schema, done, file, options }: Run): Context {
  const zone = file.settings.get('timezone')?.value;
  const around = { schema, done, file, options: zone === undefined ? options : { ...options, utc: isUtc(zone) } };
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
    ...checkDependants(context),
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
