import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, openAccess, runBackfill, type BackfillDefinition } from '../../src/database/index.ts';
import { backfillAnswer } from '../../src/release/contract/database-checks.ts';
import { effects } from '../database/support.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
let url: string;
let number = 0;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  number += 1;
  url = await server.create(`gate${number}`);
  await server.query(`gate${number}`, 'CREATE TABLE people (id int PRIMARY KEY, name text, first_name text)');
});

const people = () => server.query(`gate${number}`, `INSERT INTO people SELECT n, 'Ann' FROM generate_series(1, 10) n`);

/** What the gate says of a backfill that ran to its end. */
async function answer(more: Partial<BackfillDefinition> = {}) {
  const definition: BackfillDefinition = {
    name: 'fill',
    table: 'people',
    key: null,
    where: 'first_name IS NULL',
    change: { kind: 'set', columns: { first_name: 'name' } },
    verify: null,
    required: true,
    limits: { ...DEFAULT_LIMITS, nice: 0 },
    ...more,
  };
  const access = openAccess(url);
  expect(await runBackfill({ access, definition, folder: '.', workers: 1, effects })).toMatchObject({ verdict: 'pass' });
  return backfillAnswer({ definition, folder: '.' }, access);
}

describe('a backfill that is required', () => {
  it('opens its gate when it changed rows and none is left', async () => {
    await people();
    expect(await answer()).toMatchObject({ verdict: 'pass', reason: expect.stringContaining('fill changed 10 rows') as string });
  });

  it('does not when its condition never found a row: one with a slip in it finds none either', async () => {
    await people();
    expect(await answer({ where: "first_name = ''" })).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringContaining('never found a row to change') as string,
      fix: expect.stringContaining('--restart') as string,
    });
  });

  it('does where a verification of its own says that none is wrong, or the table is empty', async () => {
    expect(await answer()).toMatchObject({ verdict: 'pass' });
    await people();
    await server.query(`gate${number}`, 'UPDATE people SET first_name = name');
    const verify = 'SELECT count(*) FROM people WHERE first_name IS NULL';
    expect(await answer({ name: 'verified', verify })).toMatchObject({ verdict: 'pass' });
  });
});
