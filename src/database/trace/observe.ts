import type pg from 'pg';
import type { Claim } from '../core/lint/lint-file.ts';
import { LOCK_MODES, type LockMode } from '../core/lint/measured-facts.ts';
import type { Observed } from '../core/trace/compare.ts';

/** A relation of the user at one moment. */
interface Relation {
  readonly oid: number;
  readonly name: string;
  /** Of the partitioned table it belongs to, at the top; its own name for any other. What is done to the one is done to all. */
  readonly root: string;
  readonly file: number | null;
  /** Schema and name, as they are. */
  readonly full: readonly [schema: string, name: string];
  /** A materialised view cannot be locked by request. */
  readonly lockable: boolean;
  readonly scans: number;
}

export type Relations = ReadonlyMap<number, Relation>;

/** As the linter names relations: without `public`. */
const nameOf = (relation: string, schema: string): string =>
  `CASE WHEN ${schema}.nspname = 'public' THEN ${relation}.relname ELSE ${schema}.nspname || '.' || ${relation}.relname END`;

/** Tables, partitioned tables and materialised views. */
export async function readRelations(client: pg.Client): Promise<Relations> {
  const { rows } = await client.query<Relation>(
    `SELECT c.oid::int8::float8 AS oid, ${nameOf('c', 'n')} AS name, ${nameOf('r', 'm')} AS root, ARRAY[n.nspname::text, c.relname::text] AS "full", c.relkind <> 'm' AS lockable,
       pg_relation_filenode(c.oid)::int8::float8 AS file, coalesce(pg_stat_get_xact_numscans(c.oid), 0)::float8 AS scans
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_class r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid) JOIN pg_namespace m ON m.oid = r.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`,
  );
  return new Map(rows.map((row) => [row.oid, row]));
}

/** A lock on a relation. */
export interface Held {
  readonly oid: number;
  readonly mode: LockMode;
}

/** Locks this session holds. */
export async function readLocks(client: pg.Client): Promise<readonly Held[]> {
  const { rows } = await client.query<{ oid: number; mode: string }>(
    `SELECT relation::int8::float8 AS oid, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted`,
  );
  return rows.flatMap(({ oid, mode }) => {
    const name = LOCK_MODES.find((one) => one.replaceAll(' ', '') === mode.replace(/Lock$/, '').toUpperCase());
    return name === undefined ? [] : [{ oid, mode: name }];
  });
}

/** Claims about partitions as claims about what they belong to. */
export function atRoots(relations: Relations, claims: readonly Claim[]): readonly Claim[] {
  const roots = new Map([...relations.values()].map(({ name, root }) => [name, root]));
  const at = (relation: string): string => roots.get(relation) ?? relation;
  return claims.map(({ statement, line, locks, scans, rewrites }) => ({
    statement,
    line,
    locks: locks.map(({ relation, mode }) => ({ relation: at(relation), mode })),
    scans: scans.map(at),
    rewrites: rewrites.map(at),
  }));
}

/** What changed between two looks, told of the relations of `known` only: those that were there before the file. */
export function observedOf(known: Relations, [before, after]: readonly [Relations, Relations], locks: readonly Held[]): Observed {
  const name = (oid: number): string | null => before.get(oid)?.root ?? known.get(oid)?.root ?? null;
  const there = [...known.keys()];
  const changed = (differs: (was: Relation, is: Relation) => boolean): readonly string[] =>
    there.flatMap((oid) => {
      const [was, is] = [before.get(oid), after.get(oid)];
      return was !== undefined && is !== undefined && differs(was, is) ? [was.root] : [];
    });
  return {
    locks: locks.flatMap(({ oid, mode }) => {
      const relation = known.has(oid) ? name(oid) : null;
      return relation === null ? [] : [{ relation, mode }];
    }),
    scans: changed((was, is) => is.scans > was.scans),
    rewrites: changed((was, is) => is.file !== was.file),
  };
}
