import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { lintFiles, openAccess, readCatalog } from '../../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { REFUSED, REFUSED_BY_CATALOG, TAKEN, TAKEN_WITH_CATALOG, type Case } from './needed-cases.ts';
import { ofRule } from './support.ts';

describe('what something still needs, as the catalog says', () => {
  let server: TestPostgres;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startPostgres();
    await server.create('shop');
    client = new pg.Client({ connectionString: server.url('shop') });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  /** Makes a database as it was before; what it says of the SQL, and what the server does. */
  async function both([before, sql]: Case) {
    await client.query('DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await client.query(before.startsWith('BEGIN;') ? `${before}; COMMIT` : before);
    await client.query('DISCARD ALL');
    const { version, utc, sizes, schema } = await readCatalog(openAccess(server.url('shop')));
    const file = { name: '1.sql', text: sql, direction: 'up' as const, transactions: 'statement' as const, gaps: [] };
    const [linted] = await lintFiles({ files: [file], options: { version, utc, sizes }, limited: true, schema });
    await client.query('BEGIN');
    const refused = await client.query(sql).then(
      () => null,
      (error: unknown) => (error instanceof pg.DatabaseError ? error.message : 'not refused but broken'),
    );
    await client.query('ROLLBACK');
    return { refused, verdict: linted?.verdict, told: ofRule(linted?.findings ?? [], 'still-needed') };
  }

  test.each([...REFUSED, ...REFUSED_BY_CATALOG])('%s | %s is refused, and told', async (before, sql) => {
    const { refused, told, verdict } = await both([before, sql]);
    expect(refused).not.toBeNull();
    expect(told).toMatchObject([{ severity: 'error', certainty: 'known' }]);
    expect(verdict).toBe('fail');
  });

  // A temporary relation is there for its session only.
  const taken = [...TAKEN, ...TAKEN_WITH_CATALOG].filter(([before]) => !before.includes(' TEMP TABLE '));
  test.each(taken)('%s | %s is taken, and not told', async (before, sql) => {
    const { refused, told } = await both([before, sql]);
    expect(refused).toBeNull();
    expect(told).toEqual([]);
  });
});
