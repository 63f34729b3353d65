import type { StatementEffect } from '../rollback-class.ts';
import { pathOf, samePath } from '../old-shape/shape.ts';
import { child, children, isSet, textOf } from '../tree.ts';

/**
 * Where a statement belongs in a change without downtime. `expand`: what the new version needs and the old one does not notice.
 * `backfill`: rows are moved or changed. `switch`: what programs read or write begins to mean something else. `contract`: what only the old
 * version used goes, or what it still writes is refused. `neutral`: settings and remarks, which fit anywhere.
 */
export type Phase = 'expand' | 'backfill' | 'switch' | 'contract';

export interface PhasedStatement {
  readonly line: number;
  readonly text: string;
  readonly phase: Phase | 'neutral' | 'unknown';
  readonly why: string;
  /** It sets what the statements after it stand on: their schema, their role, their limits. */
  readonly lasts: boolean;
}

const NEUTRAL = new Set([
  'VariableSetStmt',
  'VariableShowStmt',
  'CommentStmt',
  'VacuumStmt',
  'ReindexStmt',
  'LockStmt',
  'ConstraintsSetStmt',
  'TransactionStmt',
]);
/** A query does where it sets a sequence to where the rows are. */
const CHANGES_ROWS = new Set(['UpdateStmt', 'DeleteStmt', 'MergeStmt', 'InsertStmt', 'TruncateStmt', 'SelectStmt']);
/** Rows that the old version writes may be refused from here on. */
const REFUSES = new Set(['AT_SetNotNull', 'AT_AddConstraint', 'AT_AlterConstraint', 'AT_AddIndexConstraint']);
const RANK: readonly PhasedStatement['phase'][] = ['neutral', 'expand', 'backfill', 'switch', 'contract', 'unknown'];

/** The phase of each statement of a file, by its effect on the old version. */
export function phasesOf(effects: readonly StatementEffect[]): readonly PhasedStatement[] {
  const phased = effects.map((one) => ({
    line: one.line,
    text: one.statement.text,
    phase: phaseOf(one),
    // Of an addition the effect only names the kind of statement, in the parser's words.
    why: one.effect.kind === 'additive' ? addedWhy(one) : one.effect.why,
    lasts: one.statement.kind === 'VariableSetStmt',
  }));
  const names = namesGiven(effects);
  return phased.map((one, index) => {
    const before = names[index];
    return before === undefined ? one : { ...one, phase: 'switch', why: `it goes with ${before}, which has another name from here on` };
  });
}

function addedWhy({ statement: { kind, node }, onFresh }: StatementEffect): string {
  const locks = kind === 'IndexStmt' && !isSet(node, 'concurrent') && !onFresh;
  return locks
    ? 'what the old version sees stays as it is, but whoever writes waits until the index is built: `slipway db lint` says how to avoid that'
    : 'the old version does not notice it';
}

/**
 * By index: the old name of a relation that was renamed before in the file, where a statement makes a view of that name, or lets
 * somebody in to it. In a file of its own it would come too early, or too late.
 */
function namesGiven(effects: readonly StatementEffect[]): readonly (string | undefined)[] {
  const freed: (readonly string[])[] = [];
  const viewed: (readonly string[])[] = [];
  return effects.map(({ statement: { kind, node }, onFresh }) => {
    const path = pathOf(child(node, kind === 'ViewStmt' ? 'view' : 'relation'));
    if (RENAMES.has(kind)) {
      if (!onFresh && textOf(node, 'subname') === '') freed.push(path);
      return undefined;
    }
    if (kind === 'ViewStmt' && freed.some((one) => samePath(one, path))) viewed.push(path);
    const about = kind === 'GrantStmt' ? children(node, 'objects').map((one) => pathOf(child(one, 'RangeVar'))) : [path];
    return about.find((one) => viewed.some((view) => samePath(view, one)))?.join('.');
  });
}

const RENAMES: ReadonlySet<string> = new Set(['RenameStmt', 'AlterObjectSchemaStmt']);

function phaseOf({ statement, effect }: StatementEffect): PhasedStatement['phase'] {
  const { kind } = statement;
  if (NEUTRAL.has(kind)) return 'neutral';
  if (effect.kind === 'unknown') return 'unknown';
  if (effect.kind === 'additive') return 'expand';
  if (CHANGES_ROWS.has(kind)) return 'backfill';
  if (kind === 'AlterTableStmt') return alterPhase(statement.node, effect.kind);
  if (kind === 'DropStmt') return 'contract';
  if (kind === 'IndexStmt') return 'contract';
  // A constraint of a domain that is dropped counts as one of a table does.
  if (kind === 'AlterDomainStmt') return /^[COX]$/.test(textOf(statement.node, 'subtype')) ? 'contract' : 'switch';
  return effect.kind === 'lossy' ? 'contract' : 'switch';
}

/** The last phase any of its commands belongs to. */
function alterPhase(node: StatementEffect['statement']['node'], effect: 'reversible' | 'lossy'): Phase {
  const subtypes = children(node, 'cmds').map((command) => textOf(child(command, 'AlterTableCmd'), 'subtype'));
  const takes = (subtype: string): boolean => subtype.startsWith('AT_Drop') && subtype !== 'AT_DropNotNull';
  if (subtypes.some((subtype) => takes(subtype) || REFUSES.has(subtype))) return 'contract';
  if (subtypes.includes('AT_AddColumn')) return 'contract';
  return effect === 'lossy' ? 'contract' : 'switch';
}

/** What a whole file is: one phase, or why it is no evidence for a change without downtime. */
export interface FilePhase {
  readonly phase: Phase | 'neutral' | 'mixed' | 'unknown';
  readonly because: string;
}

export function filePhase(statements: readonly PhasedStatement[]): FilePhase {
  const unknown = statements.find(({ phase }) => phase === 'unknown');
  if (unknown !== undefined) return { phase: 'unknown', because: `line ${unknown.line}: ${unknown.why}` };
  const phases = [...new Set(statements.map(({ phase }) => phase).filter((phase) => phase !== 'neutral'))].toSorted(byRank);
  const [first, ...others] = phases;
  if (statements.length === 0) return { phase: 'neutral', because: 'it holds no statement, and counts as applied all the same' };
  if (first === undefined || first === 'unknown') return { phase: 'neutral', because: 'nothing in it is seen by a program' };
  if (others.length === 0) return { phase: first, because: statements.find(({ phase }) => phase === first)?.why ?? '' };
  const where = phases.map((phase) => `${phase} (line ${statements.find((one) => one.phase === phase)?.line ?? '?'})`);
  return { phase: 'mixed', because: `it holds ${where.join(', ')}: one release cannot prove each of them` };
}

const byRank = (a: PhasedStatement['phase'], b: PhasedStatement['phase']): number => RANK.indexOf(a) - RANK.indexOf(b);

/** A file of a proposed split. */
export interface SplitFile {
  readonly name: string;
  readonly phase: Phase;
  readonly sql: string;
}

/**
 * A mixed file as one file for each phase, in the order of the phases; statements keep their own order and text. Settings are
 * repeated in each file that has something after them: without its search_path a DROP would meet another schema's table.
 * @returns null when the file holds what is not understood, which nobody can order
 */
export function splitOf(name: string, statements: readonly PhasedStatement[]): readonly SplitFile[] | null {
  if (statements.some(({ phase }) => phase === 'unknown')) return null;
  // What is neutral goes with what it stands before.
  const placed = statements.map((one, index) => ({
    ...one,
    phase: one.phase === 'neutral' ? (statements.slice(index).find(({ phase }) => phase !== 'neutral')?.phase ?? 'contract') : one.phase,
  }));
  return (['expand', 'backfill', 'switch', 'contract'] as const).flatMap((phase, index) => {
    const last = placed.findLastIndex((one) => one.phase === phase && !one.lasts);
    if (last === -1) return [];
    const own = placed.filter((one, at) => (one.lasts ? at < last : one.phase === phase));
    return [{ name: `${name}_${index + 1}_${phase}.sql`, phase, sql: `${own.map(({ text }) => `${text};`).join('\n\n')}\n` }];
  });
}
