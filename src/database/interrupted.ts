import type pg from 'pg';
import { assertExhaustive, SlipwayError } from '../kernel/index.ts';
import type { IndexName, IndexShape, Solitary } from './core/transactions.ts';
import { ident } from './server.ts';

/** What the catalog says of a statement. `half`: a detach that PostgreSQL only lets be finished. */
export type Standing = 'done' | 'half' | 'not done' | 'unsure';

/**
 * Is what the statement asks for there already? After it was begun, that tells whether it took effect; before, it tells that nobody
 * could tell afterwards.
 */
export async function standingOf(client: pg.Client, statement: Solitary): Promise<Standing> {
  switch (statement.kind) {
    case 'create-index':
      return (await builtIndex(client, statement.index))?.state === 'valid' ? 'done' : 'not done';
    case 'drop-index':
      return (await indexExists(client, statement.index)) ? 'not done' : 'done';
    case 'detach':
      return detachStanding(client, statement);
    case 'reindex':
    case 'repeat':
      return 'not done';
    case 'unsure':
      return 'unsure';
    default:
      return assertExhaustive(statement);
  }
}

/**
 * Drops invalid indexes that a failed try left: one of the name about to be created, which IF NOT EXISTS would take for a good one, and
 * those that REINDEX CONCURRENTLY makes under a name of its own and never looks at again.
 */
export async function clearLeftovers(client: pg.Client, statement: Solitary): Promise<void> {
  if (statement.kind === 'reindex') await dropHalfRebuilt(client, statement.relation);
  if (statement.kind !== 'create-index') return;
  const built = await builtIndex(client, statement.index);
  if (built?.state === 'building') throw new SlipwayError('locked', `The index ${statement.index.name} is being built by another session`);
  if (built?.state === 'invalid') await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${built.name}`);
}

/** Goes on with a detach that is half done. */
export async function finishDetach(client: pg.Client, { parent, partition }: Extract<Solitary, { kind: 'detach' }>): Promise<void> {
  await client.query(`ALTER TABLE ${qualified(parent)} DETACH PARTITION ${qualified(partition)} FINALIZE`);
}

async function dropHalfRebuilt(client: pg.Client, relation: IndexName): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
       AND i.indrelid = coalesce((SELECT o.indrelid FROM pg_index o WHERE o.indexrelid = to_regclass($1)), to_regclass($1)::oid)
       AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)`,
    [qualified(relation)],
  );
  for (const { name } of rows) await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
}

function qualified({ schema, name }: IndexName): string {
  return schema === null ? ident(name) : `${ident(schema)}.${ident(name)}`;
}

interface Built {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly state: 'valid' | 'invalid' | 'building';
}

/** The index of that name on that table, unless it is valid and another one. An index is also invalid while it is being built. */
async function builtIndex(client: pg.Client, shape: IndexShape): Promise<Built | null> {
  const { rows } = await client.query<Built & Omit<IndexShape, 'table' | 'name'>>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name,
       CASE WHEN i.indisvalid THEN 'valid'
         WHEN EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) THEN 'building' ELSE 'invalid' END AS state,
       i.indisunique AS "unique", m.amname AS method, i.indnkeyatts::int AS keys, i.indpred IS NOT NULL AS partial,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
         LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0 ORDER BY k.place) AS columns
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
     WHERE i.indrelid = to_regclass($1) AND c.relname = $2`,
    [qualified(shape.table), shape.name],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const alike =
    row.unique === shape.unique &&
    row.method === shape.method &&
    row.keys === shape.keys &&
    row.partial === shape.partial &&
    row.columns.length === shape.columns.length &&
    shape.columns.every((name, place) => name === null || name === row.columns[place]);
  return row.state === 'valid' && !alike ? null : { name: row.name, state: row.state };
}

async function indexExists(client: pg.Client, index: IndexName): Promise<boolean> {
  const { rows } = await client.query('SELECT FROM pg_index WHERE indexrelid = to_regclass($1)', [qualified(index)]);
  return rows.length > 0;
}

async function detachStanding(client: pg.Client, { parent, partition }: Extract<Solitary, { kind: 'detach' }>): Promise<Standing> {
  const { rows } = await client.query<{ pending: boolean }>(
    'SELECT inhdetachpending AS pending FROM pg_inherits WHERE inhparent = to_regclass($1) AND inhrelid = to_regclass($2)',
    [qualified(parent), qualified(partition)],
  );
  const [row] = rows;
  if (row === undefined) return 'done';
  return row.pending ? 'half' : 'not done';
}
