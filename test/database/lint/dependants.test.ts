import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { REFUSED, TAKEN, type Case } from './needed-cases.ts';
import { judge, ofRule } from './support.ts';

describe('what something still needs', () => {
  let server: TestPostgres;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startPostgres();
    client = new pg.Client({ connectionString: server.url('postgres') });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  /** The code of the server's refusal; null where it takes the statement. */
  async function refusalOf([before, sql]: Case): Promise<string | null> {
    await client.query('BEGIN');
    try {
      await client.query(before.replace(/^BEGIN;/, ''));
      await client.query('SAVEPOINT before');
      return await client.query(sql).then(
        () => null,
        (error: unknown) => (error instanceof pg.DatabaseError ? (error.code ?? '') : 'not refused but broken'),
      );
    } finally {
      await client.query('ROLLBACK');
    }
  }

  const told = async ([before, sql]: Case) => ofRule((await judge([before, sql], { transactions: 'statement' })).findings, 'still-needed');

  test.each(REFUSED)('%s | %s is refused, and told', async (before, sql) => {
    expect(await refusalOf([before, sql])).toMatch(/^(?:2BP01|0A000|42P16)$/);
    const [found, ...more] = await told([before, sql]);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ severity: 'error', certainty: 'known', fix: expect.any(String) as unknown });
  });

  test.each(TAKEN)('%s | %s is taken, and not told', async (before, sql) => {
    expect(await refusalOf([before, sql])).toBeNull();
    expect(await told([before, sql])).toEqual([]);
  });

  test('what it proposes is taken', async () => {
    const proposed = REFUSED.filter(([, sql]) => /^(?:DROP|ALTER)/.test(sql) && !sql.includes('INDEX'));
    for (const [before, sql] of proposed) {
      let fix = sql;
      // Each step may show a dependant of its own.
      for (let round = 0; round < 3; round += 1) fix = (await told([before, fix]))[0]?.fix ?? fix;
      expect(await refusalOf([before, fix]), fix).toBeNull();
    }
  });
});
