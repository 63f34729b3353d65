import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columnShape, lookAtShapes, openAccess } from '../../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

const NAME = columnShape(['customers'], 'name', 'drop');

let server: TestPostgres;
let number = 0;
beforeAll(async () => {
  server = await startPostgres({ settings: ['shared_preload_libraries=pg_stat_statements'] });
});
afterAll(() => server.stop());

async function place() {
  number += 1;
  const access = openAccess(await server.create(`uncounted${number}`));
  const query = (sql: string) => server.query(access.name, sql);
  await query('CREATE TABLE customers (id int PRIMARY KEY, name text); CREATE EXTENSION pg_stat_statements');
  const said = async () =>
    (await lookAtShapes(access, { shapes: [NAME], away: { dropped: [], replaced: [] }, queries: [], remember: true })).statements;
  return { query, said };
}

describe('what is not counted, or cannot be read, is not taken for unused', () => {
  it('a block of code that mentions the table', async () => {
    const at = await place();
    await at.query(`DO $$ BEGIN PERFORM name FROM customers; END $$`);
    expect(await at.said()).toMatchObject({ ok: true, value: { uses: [{ use: 'unreadable' }] } });
  });

  it('a counter that was there at the last look, and was reset by itself', async () => {
    const at = await place();
    await at.query('SELECT name FROM customers');
    await at.said();
    await at.query(
      `SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), (SELECT queryid FROM pg_stat_statements WHERE query = 'SELECT name FROM customers'))`,
    );
    const [gone] = await at.said().then((seen) => (seen.ok ? seen.value.uses : []));
    expect(gone).toMatchObject({ use: 'unreadable', calls: 1, watched: { movedAt: expect.any(Number) as number } });
    // It is gone once.
    const again = await at.said();
    expect(again.ok && again.value.uses).toEqual([gone]);
  });

  it('a role that is told not to be counted', async () => {
    const at = await place();
    await at.query(`CREATE ROLE quiet${number}; ALTER ROLE quiet${number} SET pg_stat_statements.track = none`);
    expect(await at.said()).toMatchObject({ ok: false, reason: expect.stringContaining(`role quiet${number}`) as string });
    await at.query(`DROP ROLE quiet${number}`);
  });
});
