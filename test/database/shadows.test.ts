import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSample, openAccess, openShadows, readQueries, runQueries, type DatabaseAccess } from '../../src/database/index.ts';
import { systemClock, systemIds } from '../../src/kernel/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
let access: DatabaseAccess;

beforeAll(async () => {
  server = await startPostgres();
  access = openAccess(server.url('postgres'));
});
afterAll(() => server.stop());

const newId = (): string => systemIds.release(systemClock.now());
const names = async (): Promise<readonly string[]> =>
  (await server.query('postgres', `SELECT datname FROM pg_database WHERE datname LIKE 'slipway_shadow_%'`)).map(({ datname }) =>
    String(datname),
  );

describe('shadow databases', () => {
  it('hold what the one they were made like holds, and are gone at the end', async () => {
    const shadows = await openShadows(access, newId());
    const first = await shadows.make('first');
    await loadSample(first, 'CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2);');
    const second = await shadows.make('second', first);
    expect(await server.query(second.name, 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 2 }]);
    expect(await shadows.close(false)).toEqual([]);
    expect(await names()).toEqual([]);
  });

  it('of a run that is gone are removed by the next, those of one that works are not, nor what only looks alike', async () => {
    const [gone, living] = [await openShadows(access, newId()), await openShadows(access, newId())];
    const [left, used] = [await gone.make('left'), await living.make('used')];
    expect(await gone.close(true)).toEqual([left.name]);
    await server.create('slipway_shadow_of_a_user');
    const next = await openShadows(access, newId());
    expect(next.removed).toEqual([left.name]);
    expect((await names()).toSorted()).toEqual([used.name, 'slipway_shadow_of_a_user'].toSorted());
    await next.close(false);
    await living.close(false);
    await server.query('postgres', 'DROP DATABASE slipway_shadow_of_a_user');
  });

  it('know who else is in them, and was', async () => {
    const shadows = await openShadows(access, newId());
    const shadow = await shadows.make('one');
    expect(await shadows.sessions(shadow)).toEqual({ foreign: 0, ever: 0 });
    const client = new pg.Client({ connectionString: shadow.url });
    client.on('error', () => undefined);
    await client.connect();
    expect((await shadows.sessions(shadow)).foreign).toBe(1);
    await client.end();
    await expect.poll(() => shadows.sessions(shadow)).toEqual({ foreign: 0, ever: 1 });
    await shadows.close(false);
  });
});

describe('a query set', () => {
  it('is prepared and executed, and nothing of it stays; what the schema does not have fails', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-queries-'));
    writeFileSync(join(folder, '1.sql'), 'SELECT n FROM t;\nINSERT INTO t VALUES (3);\n');
    writeFileSync(join(folder, '2.sql'), 'UPDATE t SET n = $1 WHERE n = $2; SELECT gone FROM t; SELECT 1/n FROM t');
    const queries = await readQueries(folder, 'queries');
    expect(queries.map(({ name, writes }) => [name, writes])).toEqual([
      ['1.sql:1', false],
      ['1.sql:2', true],
      ['2.sql:1', true],
      ['2.sql:1', false],
      ['2.sql:1', false],
    ]);
    const url = await server.create('queries');
    await server.query('queries', 'CREATE TABLE t (n int); INSERT INTO t VALUES (0)');
    expect((await runQueries(openAccess(url), queries)).map(({ verdict, reason }) => `${verdict}: ${reason}`)).toEqual([
      'pass: prepared, executed and taken back',
      'pass: prepared, executed and taken back',
      'pass: prepared; not executed, as it has 2 parameters',
      'fail: column "gone" does not exist [42703]',
      'fail: division by zero [22012]',
    ]);
    expect(await server.query('queries', 'SELECT n FROM t')).toEqual([{ n: 0 }]);
    writeFileSync(join(folder, '3.sql'), 'SELECT 1;\nDROP TABLE t');
    await expect(readQueries(folder, 'queries')).rejects.toThrow('queries/3.sql:2: only SELECT');
    rmSync(folder, { recursive: true });
  });
});
