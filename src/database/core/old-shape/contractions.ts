import { phasesOf, type PhasedStatement } from '../plan/phase.ts';
import { effectsOf } from '../rollback-class.ts';
import { child, children, isSet, nameParts } from '../tree.ts';
import type { Statement } from '../types.ts';
import { coverOf, type Cover } from './cover.ts';
import { renameOf, type Rename } from './renames.ts';
import { objectPath, pathOf, rule, samePath, shapesOf, type OldShape } from './shape.ts';

/** A statement in a file that takes something away, with what it is: of phase contract, or one that takes a name away. */
export interface Contraction {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly why: string;
  readonly shapes: readonly OldShape[];
}

/** A statement of which nobody can say what it takes away. */
export interface Unreadable {
  readonly file: string;
  readonly line: number;
  readonly why: string;
}

/** A contraction that is none if the view which takes the old name is as good as what had it. */
export interface Covered {
  readonly contraction: Contraction;
  readonly cover: Cover;
}

/** What pending files contract, in order; what they made themselves is nobody's yet. */
export interface Contractions {
  readonly contractions: readonly Contraction[];
  readonly covered: readonly Covered[];
  readonly unreadable: readonly Unreadable[];
}

/** A pending file. */
export interface PendingFile {
  readonly name: string;
  readonly statements: readonly Statement[];
  /** All of it in one transaction: nobody sees what is between two of its statements. */
  readonly transactional: boolean;
}

interface Name {
  readonly kind: OldShape['kind'];
  readonly path: readonly string[];
}

export function contractionsIn(files: readonly PendingFile[]): Contractions {
  const found: Found = { contractions: [], covered: [], unreadable: [] };
  let names: Names = { own: [], freed: [] };
  for (const file of files)
    for (const [index, phased] of phasesOf(effectsOf(file.statements)).entries()) {
      const statement = file.statements[index];
      if (statement === undefined) throw new Error('a statement has no phase');
      const rename = renameOf(statement);
      add(found, { file, index, statement, phased, rename: rename !== null && isOwn(names.own, rename.shape) ? null : rename });
      names = namesAfter(names, statement, rename);
    }
  return found;
}

interface Found {
  readonly contractions: Contraction[];
  readonly covered: Covered[];
  readonly unreadable: Unreadable[];
}

interface Looked {
  readonly file: PendingFile;
  readonly index: number;
  readonly statement: Statement;
  readonly phased: PhasedStatement;
  /** Null where it takes no name away that anybody knows. */
  readonly rename: Rename | null;
}

function add(found: Found, { file, index, statement, phased, rename }: Looked): void {
  const { line, text, why, phase } = phased;
  const about = { file: file.name, line, text, why };
  if (phase === 'unknown') found.unreadable.push({ file: file.name, line, why });
  if (phase === 'contract') found.contractions.push({ ...about, shapes: shapesOf(statement) });
  if (rename === null) return;
  const { shape, cover } = withCover(file, index, rename.shape);
  if (cover !== null) found.covered.push({ contraction: { ...about, shapes: [shape] }, cover });
  else if (shape !== null) found.contractions.push({ ...about, shapes: [shape] });
}

/** Made by a pending file, or given its name by one: no version that runs knows it. */
function isOwn(own: readonly Name[], { kind, path }: Name): boolean {
  const place = kind === 'column' ? 'relation' : kind;
  return own.some((one) => one.kind === place && samePath(one.path, path));
}

/** What of a rename the old version misses: nothing where the name is taken again at once by something that does the same. */
function withCover({ statements, transactional }: PendingFile, index: number, shape: OldShape) {
  if (!transactional) return { shape, cover: null };
  if (shape.kind === 'column' || shape.kind === 'relation') {
    const cover = coverOf(statements, index, shape.path);
    if (cover !== null) return { shape, cover };
  }
  const later = statements.slice(index + 1).map((one) => ({ one, name: madeBy(one, renameOf(one)) }));
  const taken = later.find(({ name }) => name !== null && name.kind === shape.kind && samePath(name.path, shape.path));
  if (taken === undefined) return { shape, cover: null };
  // A function or type of the old name does what it was made for; of another table nobody sees whether it has what the old version needs.
  if (shape.kind !== 'relation') return { shape: null, cover: null };
  return { shape: rule(shape.path, `${shape.told.replace(' (renamed)', '')} (another takes its name)`, 'rename'), cover: null };
}

interface Names {
  /** Of what pending files made. */
  readonly own: readonly Name[];
  /** That older things had: who knew those may take what has the name now for them. */
  readonly freed: readonly Name[];
}

function namesAfter({ own, freed }: Names, statement: Statement, rename: Rename | null): Names {
  const gone: readonly Name[] = rename === null ? (statement.kind === 'DropStmt' ? shapesOf(statement) : []) : [rename.shape];
  const left = own.filter((one) => !gone.some((name) => isSame(name, one)));
  const all = [...freed, ...gone.filter((name) => name.kind !== 'column' && !isOwn(own, name))];
  const made = madeBy(statement, rename);
  return { own: made === null || all.some((name) => isSame(name, made)) ? left : [...left, made], freed: all };
}

const isSame = (one: Name, other: Name): boolean => one.kind === other.kind && samePath(one.path, other.path);

/** What a statement makes, or gives a name to, that had no name before. */
function madeBy({ kind, node }: Statement, rename: Rename | null): Name | null {
  if (rename !== null) return rename.to === null ? null : { kind: rename.shape.kind, path: rename.to };
  if (isSet(node, 'if_not_exists') || isSet(node, 'replace')) return null;
  const relation = relationMade(kind, node);
  if (relation !== null) return { kind: 'relation', path: relation };
  if (kind === 'CreateFunctionStmt') return { kind: 'routine', path: nameParts(children(node, 'funcname')) };
  if (kind === 'CompositeTypeStmt') return { kind: 'type', path: pathOf(child(node, 'typevar')) };
  if (kind === 'CreateEnumStmt') return { kind: 'type', path: objectPath({ TypeName: { names: node['typeName'] ?? [] } }) };
  return kind === 'CreateDomainStmt' ? { kind: 'type', path: nameParts(children(node, 'domainname')) } : null;
}

function relationMade(kind: string, node: Statement['node']): readonly string[] | null {
  if (kind === 'CreateStmt') return pathOf(child(node, 'relation'));
  if (kind === 'CreateForeignTableStmt') return pathOf(child(child(node, 'base'), 'relation'));
  if (kind === 'CreateTableAsStmt') return pathOf(child(child(node, 'into'), 'rel'));
  return kind === 'ViewStmt' ? pathOf(child(node, 'view')) : null;
}
