import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  captureQueries,
  DEFAULT_LIMITS,
  forecastBackfill,
  openAccess,
  planMigrations,
  querySetOf,
  readCatalog,
  readQueries,
  recordStatements,
  runBackfill,
  runQueries,
  sampleMismatch,
  verifyBackfill,
  writeQueries,
  type DatabaseAccess,
} from '../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { effects, scratch, writeMigrations } from './support.ts';

let server: TestPostgres;
let access: DatabaseAccess;
beforeAll(async () => {
  server = await startPostgres({ settings: ['shared_preload_libraries=pg_stat_statements', 'compute_query_id=on'] });
  access = openAccess(await server.create('shop'));
  await server.query('shop', 'CREATE EXTENSION pg_stat_statements');
  await server.query('shop', 'CREATE TABLE people (id int PRIMARY KEY, name text, born timestamptz); INSERT INTO people VALUES (1)');
});
afterAll(() => server.stop());

const settings = { role: null, minimumCalls: 1 };

async function session(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

describe('capturing from pg_stat_statements', () => {
  it('takes what the role asked of its tables, without constants and comments, and counts what it left out', async () => {
    await server.query('shop', 'SELECT pg_stat_statements_reset()');
    await session(access.url, async (client) => {
      await client.query(`/* token=hunter2 */ SELECT name FROM people WHERE name = 'secret-1' -- and more`);
      await client.query(`UPDATE people SET name = 'secret-2' WHERE born < now() - interval '1 day'`);
      await client.query('SELECT pg_sleep(0.001), count(*) FROM people');
      await client.query('SELECT relname FROM pg_class LIMIT 1');
      await client.query(`SET application_name = 'secret-3'`);
      await client.query('CREATE TABLE gone (n int)');
      await client.query('SELECT n FROM gone');
      await client.query('DROP TABLE gone');
    });
    const captured = await captureQueries(access, settings);
    expect(captured).toMatchObject({ verdict: 'pass', reason: '2 statements', role: 'slipway' });
    expect(captured.since).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(captured.queries.map(({ text }) => text.replaceAll(/\s+/g, ' ').trim()).toSorted()).toEqual([
      'SELECT name FROM people WHERE name = $1',
      'UPDATE people SET name = $1 WHERE born < now() - CAST($2 AS interval)',
    ]);
    expect(Object.fromEntries(captured.leftOut.map(({ why, statements }) => [why, statements]))).toMatchObject({
      'a function of the server': expect.any(Number) as number,
      'about the catalog': expect.any(Number) as number,
      'no SELECT, INSERT, UPDATE, DELETE or MERGE': expect.any(Number) as number,
      'the database itself does not know it any more': 1,
    });
    expect((await runQueries(access, captured.queries)).map(({ verdict }) => verdict).toSorted()).toEqual(['pass', 'unknown']);
    expect(await captureQueries(access, { ...settings, minimumCalls: 1_000 })).toMatchObject({ verdict: 'unknown', queries: [] });
  });

  it('takes nothing of its own: neither a sample of mismatches, nor a backfill, its forecast and verification, nor counts of a plan', async () => {
    const shop = openAccess(await server.create('own'));
    await server.query('own', 'CREATE EXTENSION pg_stat_statements');
    await server.query(
      'own',
      `CREATE TABLE folk (id int PRIMARY KEY, name text, first text); INSERT INTO folk SELECT n, 'a b' FROM generate_series(1, 9000) n`,
    );
    await server.query('own', 'ANALYZE folk; SELECT pg_stat_statements_reset()');
    await session(shop.url, async (client) => void (await client.query('SELECT 1 FROM folk WHERE id = $1', [1])));
    const random = (): number => 0.5;
    const bounds = { rows: 1_000, withinMs: 20_000, clock: effects.clock, random };
    await sampleMismatch(shop, { table: 'folk', key: null, where: 'first IS DISTINCT FROM name', allow: 0 }, bounds);
    using folder = scratch();
    const definition = {
      name: 'first',
      table: 'folk',
      key: null,
      where: 'first IS NULL',
      change: { kind: 'set' as const, columns: { first: 'name' } },
      verify: 'SELECT count(*) FROM folk WHERE first IS NULL',
      required: false,
      limits: { ...DEFAULT_LIMITS, nice: 0, mostRowsPerBatch: 4_000 },
    };
    const request = { access: shop, definition, folder: folder.path, workers: 2, effects };
    await forecastBackfill(request);
    expect(await runBackfill(request)).toMatchObject({ verdict: 'pass' });
    await verifyBackfill(shop, { ...definition, verify: null });
    await readCatalog(shop);
    writeMigrations(folder.path, { '20260101000000_a.sql': 'ALTER TABLE folk ALTER COLUMN first SET NOT NULL;' });
    await planMigrations(shop, { directory: folder.path, shown: 'migrations' });
    const seen = await server.query('own', `SELECT query FROM pg_stat_statements WHERE query ~* 'folk' AND query !~* 'pg_|slipway'`);
    expect(seen).toEqual([{ query: 'SELECT $2 FROM folk WHERE id = $1' }]);
    expect((await captureQueries(shop, settings)).queries.map(({ text }) => text)).toEqual(['SELECT $2 FROM folk WHERE id = $1']);
  });

  it('does not take for complete what it may not see', async () => {
    await server.query('shop', `CREATE ROLE reader LOGIN; GRANT ALL ON people TO reader`);
    const reader = openAccess(access.url.replace('slipway@', 'reader@'));
    const seen = await captureQueries(reader, { ...settings, role: 'slipway' });
    expect(seen).toMatchObject({ verdict: 'unknown', reason: expect.stringContaining('grant pg_read_all_stats') as string });
    expect(await captureQueries(reader, settings)).toMatchObject({
      queries: [],
      reason: 'there is no statement of reader on its own tables',
    });
  });

  it('says so where the extension is missing', async () => {
    const bare = openAccess(await server.create('bare'));
    await expect(captureQueries(bare, settings)).rejects.toMatchObject({ code: 'not_possible_now' });
  });
});

describe('recording what a program sends', () => {
  it('says how much was sent beyond what it keeps', async () => {
    const recorder = await recordStatements(access, 2);
    await session(recorder.url, async (client) => {
      for (const id of [1, 2, 3, 4, 5]) await client.query('SELECT name FROM people WHERE id = $1', [id]);
    });
    await recorder.close();
    expect([recorder.statements.length, recorder.missed()]).toEqual([2, 3]);
  });

  it('keeps each statement once, with values, and leaves out what was refused, is no query, or does not fit the schema', async () => {
    const recorder = await recordStatements(access);
    await session(recorder.url, async (client) => {
      await client.query('BEGIN');
      for (const id of [10, 11, 12, 13])
        await client.query('INSERT INTO people (id, name, born) VALUES ($1, $2, $3)', [id, `n${id}`, null]);
      await client.query({ text: 'SELECT name FROM people WHERE id = $1', values: [Buffer.from('0000000a', 'hex')] });
      await client.query({ name: 'named', text: 'DELETE FROM people WHERE id = $1', values: [11] });
      await client.query({ name: 'named', text: 'DELETE FROM people WHERE id = $1', values: [12] });
      await client.query(`UPDATE people SET name = 'x' WHERE id = 1; SELECT 1 FROM people`);
      await client.query('CREATE TABLE own (n int)');
      await client.query('INSERT INTO own VALUES ($1)', [1]);
      await client.query('ROLLBACK');
      await client.query('SELECT nothing FROM people WHERE id = $1', [1]).catch(() => undefined);
      // It fits the schema, and was refused for what is there.
      await client.query('INSERT INTO people (id) VALUES ($1)', [1]).catch(() => undefined);
    });
    await recorder.close();
    expect(recorder.connections()).toBe(1);
    const { queries, leftOut } = await querySetOf(access, recorder.statements, 'tests.sql');
    expect(queries.map(({ text, values }) => [text, values])).toEqual([
      [
        'INSERT INTO people (id, name, born) VALUES ($1, $2, $3)',
        [
          ['10', 'n10', null],
          ['11', 'n11', null],
          ['12', 'n12', null],
        ],
      ],
      ['SELECT name FROM people WHERE id = $1', [[{ hex: '0000000a' }]]],
      ['DELETE FROM people WHERE id = $1', [['11'], ['12']]],
      [`UPDATE people SET name = 'x' WHERE id = 1`, []],
      ['SELECT 1 FROM people', []],
    ]);
    expect(leftOut).toEqual(
      expect.arrayContaining([
        { why: 'no SELECT, INSERT, UPDATE, DELETE or MERGE', statements: 3 },
        { why: 'does not fit the schema of the migrations', statements: 1 },
      ]),
    );
    using folder = scratch();
    await writeQueries(folder.path, 'tests.sql', { about: ['made'], queries });
    const read = await readQueries(folder.path, 'queries');
    expect(read.map(({ text, values }) => [text, values])).toEqual(queries.map(({ text, values }) => [text, values]));
    expect((await runQueries(access, read)).map(({ verdict, answer }) => [verdict, answer.origin])).toEqual([
      ['pass', 'recorded'],
      ['pass', 'recorded'],
      ['pass', 'row'],
      ['pass', 'none'],
      ['pass', 'none'],
    ]);
  });
});
