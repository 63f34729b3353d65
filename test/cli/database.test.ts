import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { inProcess, scratch, type Ran } from './support.ts';

const folder = scratch();
let server: TestPostgres;
let number = 0;
let name: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.create('store');
  mkdirSync(join(folder.path, 'backfills'));
  writeFileSync(
    join(folder.path, 'slipway.yaml'),
    'service: shop\nlisten: 127.0.0.1:8099\nrun: node server.js\ndatabase: { url: "${env:SHOP_DATABASE}", migrations: migrations }\n',
  );
});
afterAll(async () => {
  await server.stop();
  folder.remove();
});
beforeEach(async () => {
  name = `shop${(number += 1)}`;
  await server.create(name);
  rmSync(join(folder.path, 'migrations'), { recursive: true, force: true });
  mkdirSync(join(folder.path, 'migrations'));
});

const migration = (file: string, sql: string): void => writeFileSync(join(folder.path, 'migrations', file), sql);
const slipway = (...args: readonly string[]): Promise<Ran> =>
  inProcess(['-C', folder.path, ...args], {
    SLIPWAY_DATABASE_URL: server.url('store'),
    SHOP_DATABASE: server.url(name),
    SLIPWAY_ACTOR: 'ann',
  });
const json = async (...args: readonly string[]): Promise<{ readonly exit: number | null; readonly data: Record<string, unknown> }> => {
  const { exit, out } = await slipway(...args, '--json');
  return { exit, data: JSON.parse(out) as Record<string, unknown> };
};

describe('slipway db plan', () => {
  beforeEach(async () => {
    migration('1_people.sql', 'CREATE TABLE people (id int PRIMARY KEY, name text, code text)');
    await slipway('db', 'apply');
    await server.query(name, `INSERT INTO people VALUES (1, 'Ann', 'x'), (2, NULL, 'x'), (3, NULL, 'y')`);
    await server.query(
      name,
      `CREATE VIEW names AS SELECT name FROM people; CREATE FUNCTION n() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM people'`,
    );
  });

  it('passes what the old version does not notice', async () => {
    migration('2_age.sql', 'ALTER TABLE people ADD COLUMN age int');
    const { exit, data } = await json('db', 'plan');
    expect({ exit, data }).toMatchObject({
      exit: 0,
      data: {
        verdict: 'pass',
        files: [
          {
            name: '2_age',
            phase: 'expand',
            rollbackClass: 'app',
            tables: [{ name: 'people', dependants: ['function n()', 'view names'] }],
          },
        ],
      },
    });
    expect((await slipway('db', 'plan', '--offline')).exit).toBe(6);
  });

  it('refuses mixed phases with a split, counts what is lost and what stands in the way, and writes a runbook', async () => {
    migration(
      '2_mixed.sql',
      'ALTER TABLE people ADD COLUMN age int; ALTER TABLE people ALTER name SET NOT NULL; ALTER TABLE people DROP COLUMN code; CREATE UNIQUE INDEX c ON people (code)',
    );
    const runbook = join(folder.path, 'runbook.md');
    const { exit, data } = await json('db', 'plan', '--runbook', runbook);
    expect({ exit, data }).toMatchObject({
      exit: 6,
      data: {
        verdict: 'fail',
        files: [
          {
            phase: 'mixed',
            rollbackClass: 'restore',
            split: [{ phase: 'expand' }, { phase: 'contract' }],
            losses: [
              { kind: 'refused', rows: 2 },
              { kind: 'lost', rows: 3 },
              { kind: 'refused', rows: 2 },
            ],
          },
        ],
      },
    });
    const text = readFileSync(runbook, 'utf8');
    expect(text).toContain('2 rows of people where name is null; must be 0');
    expect(text).toMatch(/## Going back\n\n- `2_mixed`: new code stops, the backup is restored/);
    expect((await slipway('db', 'plan')).out).toMatch(/proposed split:[\s\S]*2_mixed_1_expand\.sql[\s\S]*2_mixed_4_contract\.sql/);
    expect(await server.query(name, 'SELECT count(code)::int AS n FROM people')).toEqual([{ n: 3 }]);
  });

  it('does not know what it does not understand', async () => {
    migration('2_odd.sql', 'SELECT n()');
    expect(await json('db', 'plan')).toMatchObject({ exit: 6, data: { verdict: 'unknown', files: [{ phase: 'unknown' }] } });
  });
});

describe('slipway db trace', () => {
  it('runs on a database of its own, which is gone afterwards, and tells what was done', async () => {
    migration('1_people.sql', 'CREATE TABLE people (id int PRIMARY KEY, name text)');
    migration('2_score.sql', 'ALTER TABLE people ADD COLUMN score float DEFAULT random()');
    migration('3_oops.sql', 'DROP TABLE peeple');
    const { exit, data } = await json('db', 'trace', '--server', 'SLIPWAY_DATABASE_URL', '--since', '2_');
    expect({ exit, data }).toMatchObject({
      exit: 6,
      data: {
        verdict: 'fail',
        files: [{ verdict: 'pass', statements: [{ rewrites: ['people'] }] }, { reason: 'line 1: table "peeple" does not exist [42P01]' }],
      },
    });
    expect((await slipway('db', 'trace', '--server', 'SLIPWAY_DATABASE_URL')).out).toMatch(/ACCESS EXCLUSIVE on people +rewrites people/);
    const left = await server.query('postgres', `SELECT count(*)::int AS n FROM pg_database WHERE datname LIKE 'slipway\\_shadow%'`);
    expect([left, await server.query(name, `SELECT to_regclass('people') AS t`)]).toEqual([[{ n: 0 }], [{ t: null }]]);
    expect(await slipway('db', 'trace', '--server', 'NO_SUCH_VARIABLE')).toMatchObject({ exit: 2 });
  });
});

describe('slipway db apply', () => {
  it('says what is pending, applies it, and takes one back', async () => {
    migration('2_name.up.sql', 'ALTER TABLE people ADD COLUMN name text');
    migration('2_name.down.sql', 'ALTER TABLE people DROP COLUMN name');
    migration('1_people.sql', 'CREATE TABLE people (id int PRIMARY KEY)');
    const looked = await slipway('db', 'apply', '--dry-run');
    expect(looked).toMatchObject({ exit: 0, out: expect.stringMatching(/2 pending:[\s\S]*2_name is not named/) as string });
    expect(await server.query(name, `SELECT to_regclass('people') AS t`)).toEqual([{ t: null }]);
    expect(await json('db', 'apply')).toMatchObject({
      exit: 0,
      data: { direction: 'up', verdict: 'pass', applied: ['1_people', '2_name'] },
    });
    expect(await server.query(name, 'SELECT DISTINCT release FROM slipway_history.migration')).toEqual([{ release: 'by hand: ann' }]);
    expect(await json('db', 'apply', '--down', '2_name')).toMatchObject({ exit: 0, data: { direction: 'down', applied: ['2_name'] } });
    expect(await slipway('db', 'apply', '--down', '2_name')).toMatchObject({
      exit: 3,
      err: expect.stringContaining('2_name is not applied') as string,
    });
  });

  it('fails with place and reason, and wants a reason where folder and history disagree', async () => {
    migration('1_people.sql', 'CREATE TABLE people (id int PRIMARY KEY)');
    expect((await slipway('db', 'apply')).exit).toBe(0);
    migration('1_people.sql', 'CREATE TABLE people (id bigint PRIMARY KEY)');
    migration('2_oops.sql', 'ALTER TABLE peeple ADD COLUMN n int');
    const drifted = await slipway('db', 'apply');
    expect(drifted).toMatchObject({ exit: 6, out: expect.stringContaining('disagree') as string });
    const failed = await slipway('db', 'apply', '--accept-drift', 'it was only a comment');
    expect(failed).toMatchObject({
      exit: 6,
      out: expect.stringMatching(/2_oops\.sql:1: relation "peeple" does not exist \[42P01\]/) as string,
    });
  });

  it('tells how far an index is while it is built', async () => {
    migration('1_people.sql', 'CREATE TABLE people (id int); INSERT INTO people SELECT generate_series(1, 1000)');
    expect((await slipway('db', 'apply')).exit).toBe(0);
    // Slow enough to be met.
    migration('2_index.sql', 'CREATE INDEX CONCURRENTLY people_id ON people (slow(id))');
    await server.query(
      name,
      `CREATE FUNCTION slow(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN pg_sleep(0.001) IS NULL THEN n ELSE n END'`,
    );
    const { exit, out } = await slipway('db', 'apply');
    expect(out).toMatch(/index: building index/);
    expect(exit).toBe(0);
  });
});

describe('slipway db backfill', () => {
  beforeEach(async () => {
    await server.query(name, 'CREATE TABLE people (id int PRIMARY KEY, name text, first_name text)');
    await server.query(name, `INSERT INTO people SELECT n, 'Ann Other' FROM generate_series(1, 2000) n`);
    writeFileSync(
      join(folder.path, 'backfills', 'split.yaml'),
      `table: people\nwhere: first_name IS NULL\nset: { first_name: "split_part(name, ' ', 1)" }\n`,
    );
  });

  it('forecasts, changes, proves and keeps a record', async () => {
    const dry = await json('db', 'backfill', 'split', '--dry-run');
    expect(dry).toMatchObject({ exit: 0, data: { forecast: { left: 2000, counted: true, tried: 500, waits: null } } });
    expect(await server.query(name, 'SELECT count(first_name)::int AS n FROM people')).toEqual([{ n: 0 }]);
    const { exit, data } = await json('db', 'backfill', 'split');
    expect({ exit, data }).toMatchObject({ exit: 0, data: { verdict: 'pass', changed: 2000, wrong: 0 } });
    const lines = readFileSync((data['evidence'] as { readonly file: string }).file, 'utf8')
      .trim()
      .split('\n');
    const batches = lines.map((line) => JSON.parse(line) as { readonly changed: number; readonly kind: string });
    expect(batches.filter(({ kind }) => kind === 'batch').reduce((sum, { changed }) => sum + changed, 0)).toBe(2000);
    expect(batches.at(-1)).toMatchObject({ kind: 'end', sha256: (data['evidence'] as { readonly sha256: string }).sha256 });
    expect((await slipway('db', 'backfill', 'split', '--status')).out).toMatch(/done: no row is wrong/);
  });

  it('sets refused rows aside with exit code 6, and tries them again when told to', async () => {
    await server.query(name, `ALTER TABLE people ADD CONSTRAINT no_ann CHECK (id <> 7 OR first_name IS NULL)`);
    expect(await slipway('db', 'backfill', 'split')).toMatchObject({ exit: 6, out: expect.stringContaining('1 rows are left') as string });
    await server.query(name, 'ALTER TABLE people DROP CONSTRAINT no_ann');
    expect(await json('db', 'backfill', 'split', '--retry')).toMatchObject({ exit: 0, data: { verdict: 'pass', changed: 2000 } });
  });

  it('says what cannot be: no such file, never ran, SQL that is none', async () => {
    expect(await slipway('db', 'backfill', 'splitt')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('Did you mean split?') as string,
    });
    expect((await slipway('db', 'backfill', 'split', '--pause')).exit).toBe(3);
    const wrong = [
      ['true) OR (true', '1'],
      ['first_name IS NULL LIMIT 1', '1'],
      ['first_name IS NULL', '1; DROP TABLE people'],
      ['first_name IS NULL', 'now() -- ('],
    ];
    for (const [where = '', set = ''] of wrong) {
      const text = `table: people\nwhere: ${where}\nset: { first_name: "${set}" }\n`;
      writeFileSync(join(folder.path, 'backfills', 'split.yaml'), text);
      const words = expect.stringContaining('is not what can stand there') as string;
      expect(await slipway('db', 'backfill', 'split'), text).toMatchObject({ exit: 2, err: words });
    }
    expect(await server.query(name, 'SELECT count(first_name)::int AS n FROM people')).toEqual([{ n: 0 }]);
  });
});
