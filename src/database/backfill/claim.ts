import type pg from 'pg';
import { changeQuery, claimQuery, stillQuery, type Key, type Query } from '../core/backfill/sql.ts';
import type { BatchWork, Done, Endless, Reach } from './batch.ts';
import { changeByFunction } from './function.ts';
import { recordBatch } from './state.ts';

/**
 * Locks the rows that need work but not those that somebody holds, changes them and moves the cursor.
 * @param claimed takes the keys, for whoever must say which row refused
 * @throws SlipwayError `fenced`
 */
export async function claimAndChange(
  client: pg.Client,
  work: BatchWork,
  { span, rows, boundary }: Reach,
  claimed: { keys: readonly Key[] },
): Promise<Done | Endless> {
  const { name, where } = work.definition;
  const claim = claimQuery(work.walk, span, { where, quarantine: work.sparing ? name : null });
  const keys = (await client.query<{ key: Key }>(query(claim))).rows.map(({ key }) => key);
  claimed.keys = keys;
  const again = keys.length === 0 ? null : await change(client, work, keys);
  work.faults.at('backfill.changed');
  if (again !== null) return { kind: 'endless', key: again };
  const scanned = boundary === null ? keys.length : rows;
  const cursor = boundary ?? keys.at(-1) ?? null;
  const done = boundary === null;
  const wanted = await recordBatch(client, { name, fence: work.fence, range: work.range, cursor, done, scanned, changed: keys.length });
  return { kind: 'done', cursor, scanned, changed: keys.length, rangeDone: done, wanted };
}

const query = ({ text, values }: Query) => ({ text, values: [...values] });

/** Writes the rows; answers the key of one that still needs work afterwards. */
async function change(client: pg.Client, { definition, walk, compute }: BatchWork, keys: readonly Key[]): Promise<Key | null> {
  const { where } = definition;
  if (definition.change.kind === 'set') {
    const { rows } = await client.query<{ again: Key | null }>(query(changeQuery(walk, definition.change, where, keys)));
    const again = rows.find((row) => row.again !== null)?.again ?? null;
    // A trigger or a rule may keep a row from being written without a word.
    if (again !== null || rows.length === keys.length) return again;
  }
  if (definition.change.kind === 'statement') await client.query(query(changeQuery(walk, definition.change, where, keys)));
  else if (compute !== null) await changeByFunction(client, walk, compute, keys);
  const { rows } = await client.query<{ again: Key }>(query(stillQuery(walk, where, keys)));
  return rows[0]?.again ?? null;
}
