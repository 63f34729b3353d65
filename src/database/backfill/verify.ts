import type pg from 'pg';
import { SlipwayError } from '../../kernel/index.ts';
import type { BackfillDefinition } from '../core/backfill/definition.ts';
import type { Walk } from '../core/backfill/sql.ts';

/** A verification may read the whole table. */
const VERIFY_WITHIN_MS = 15 * 60_000;

/**
 * How many rows are wrong, by the backfill's own query or, without one, by its condition; read only.
 * @throws SlipwayError `config_invalid` when it does not answer one row with one whole number
 */
export async function countWrong(client: pg.Client, definition: BackfillDefinition, walk: Walk): Promise<number> {
  const { verify } = definition;
  if (verify === null) return countLeft(client, definition, walk);
  await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${VERIFY_WITHIN_MS}`);
  try {
    // As a prepared statement: the server then refuses a second one behind it, which could end the transaction and write.
    const { rows, fields } = await client.query<unknown[]>({
      name: `verify ${definition.name}`.slice(0, 60),
      text: verify,
      rowMode: 'array',
    });
    const value = Number(rows[0]?.[0]);
    if (rows.length !== 1 || fields.length !== 1 || rows[0]?.[0] === null || !Number.isSafeInteger(value) || value < 0)
      throw new SlipwayError('config_invalid', `\`verify\` of the backfill ${definition.name} must answer one row with one whole number`, {
        hint: 'Count the rows that are wrong: SELECT count(*) FROM ... WHERE ...',
      });
    return value;
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

/** Rows for which the condition is true. */
export async function countLeft(client: pg.Client, { where }: BackfillDefinition, { table }: Walk): Promise<number> {
  const { rows } = await client.query<{ left: number }>(`SELECT count(*)::float8 AS left FROM ${table} WHERE (${where})`);
  return rows[0]?.left ?? 0;
}
