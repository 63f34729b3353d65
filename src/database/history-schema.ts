import type pg from 'pg';

/** "sliphist" in ASCII. */
const LOCK = 0x73_6c_69_70_68_69_73_74n;

/**
 * Makes tables in the schema `slipway_history`, one session after the other: `IF NOT EXISTS` does not keep two that make the same at
 * the same moment from colliding. Who may not make schemas can work in one that is there.
 */
export async function makeInHistory(client: pg.Client, ddl: string): Promise<void> {
  try {
    await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${LOCK})`);
    const { rows } = await client.query<{ there: boolean }>(`SELECT to_regnamespace('slipway_history') IS NOT NULL AS there`);
    await client.query(`${rows[0]?.there === true ? '' : 'CREATE SCHEMA slipway_history; '}${ddl}; COMMIT`);
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
