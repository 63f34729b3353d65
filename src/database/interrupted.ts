import type pg from 'pg';
import { assertExhaustive, SlipwayError } from '../kernel/index.ts';
import type { IndexName, Solitary } from './core/transactions.ts';
import { ident } from './server.ts';

/** What became of a statement that was begun and of which no end is recorded. */
export type Interrupted = 'done' | 'again' | 'unsure';

/** Finds out from the catalog whether a statement that was begun took effect; a half-done detach is finished, as PostgreSQL allows nothing else with it. */
export async function findOutcome(client: pg.Client, statement: Solitary): Promise<Interrupted> {
  switch (statement.kind) {
    case 'create-index':
      return (await indexState(client, statement.index)) === 'valid' ? 'done' : 'again';
    case 'drop-index':
      return (await indexState(client, statement.index)) === 'absent' ? 'done' : 'again';
    case 'detach':
      return detachOutcome(client, statement);
    case 'repeat':
      return 'again';
    case 'unsure':
      return 'unsure';
    default:
      return assertExhaustive(statement);
  }
}

/** Drops an invalid index of the name about to be created, which a failed try left: IF NOT EXISTS would take it for a good one. */
export async function clearLeftovers(client: pg.Client, statement: Solitary): Promise<void> {
  if (statement.kind !== 'create-index') return;
  const state = await indexState(client, statement.index);
  if (state === 'building') throw new SlipwayError('locked', `The index ${statement.index.name} is being built by another session`);
  if (state === 'invalid') await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${qualified(statement.index)}`);
}

function qualified({ schema, name }: IndexName): string {
  return schema === null ? ident(name) : `${ident(schema)}.${ident(name)}`;
}

/** An index is also invalid while it is being built. */
async function indexState(client: pg.Client, index: IndexName): Promise<'absent' | 'valid' | 'invalid' | 'building'> {
  const { rows } = await client.query<{ valid: boolean; building: boolean }>(
    `SELECT i.indisvalid AS valid, EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) AS building
     FROM pg_index i WHERE i.indexrelid = to_regclass($1)`,
    [qualified(index)],
  );
  const [row] = rows;
  if (row === undefined) return 'absent';
  if (row.valid) return 'valid';
  return row.building ? 'building' : 'invalid';
}

async function detachOutcome(client: pg.Client, { parent, partition }: Extract<Solitary, { kind: 'detach' }>): Promise<Interrupted> {
  const { rows } = await client.query<{ pending: boolean }>(
    'SELECT inhdetachpending AS pending FROM pg_inherits WHERE inhparent = to_regclass($1) AND inhrelid = to_regclass($2)',
    [qualified(parent), qualified(partition)],
  );
  const [row] = rows;
  if (row === undefined) return 'done';
  if (!row.pending) return 'again';
  await client.query(`ALTER TABLE ${qualified(parent)} DETACH PARTITION ${qualified(partition)} FINALIZE`);
  return 'done';
}
