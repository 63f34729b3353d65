import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { databaseWorld } from './database-world.ts';

const { folder, server, query, migration, slipway, json } = databaseWorld();

describe('slipway db plan', () => {
  beforeEach(async () => {
    migration('1_people.sql', 'CREATE TABLE people (id int PRIMARY KEY, name text, code text)');
    await slipway('db', 'apply');
    await query(`INSERT INTO people VALUES (1, 'Ann', 'x'), (2, NULL, 'x'), (3, NULL, 'y')`);
    await query(
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
    const runbook = join(folder, 'runbook.md');
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
    expect(await query('SELECT count(code)::int AS n FROM people')).toEqual([{ n: 3 }]);
  });

  it('points once to the gate of what goes, be it only a name', async () => {
    migration('2_drop.sql', 'ALTER TABLE people DROP COLUMN code');
    migration('3_rename.sql', 'ALTER TABLE people RENAME TO persons');
    const runbook = join(folder, 'runbook.md');
    const { out } = await slipway('db', 'plan', '--runbook', runbook);
    expect(out.match(/slipway db contract/g)).toHaveLength(1);
    expect(out).toMatch(/2_drop: people\.code\n {2}3_rename: table people \(renamed\)\s*$/);
    expect(readFileSync(runbook, 'utf8')).toContain(
      '`slipway db contract` passes: nobody needs people.code, table people (renamed) any more.',
    );
    const gate = await slipway('db', 'contract');
    expect(gate.exit).toBe(6);
    expect(gate.out).toContain('goes      people.code, table people (renamed)');
    const view = 'CREATE VIEW people AS SELECT * FROM persons';
    migration('3_rename.sql', `ALTER TABLE people RENAME TO persons; ${view}`);
    expect((await json('db', 'plan')).data['takenAway']).toEqual([{ file: '2_drop', what: ['people.code'] }]);
    migration('2_drop.sql', 'ALTER TABLE people ADD COLUMN age int');
    expect((await slipway('db', 'plan')).out).not.toContain('db contract');
    expect((await slipway('db', 'apply', '--dry-run')).out).not.toContain('db contract');
    migration('3_rename.sql', 'ALTER TABLE people RENAME TO persons');
    expect((await slipway('db', 'apply', '--dry-run')).out).toMatch(/whether anybody still needs what goes: 3_rename/);
  });

  it('is unknown where nobody can tell whether PostgreSQL takes it, and says from where on', async () => {
    migration('2_once.sql', 'CREATE TEMP TABLE once (id int)');
    migration('3_age.sql', 'ALTER TABLE people ADD COLUMN age int');
    const runbook = join(folder, 'runbook.md');
    const { exit, out } = await slipway('db', 'plan', '--runbook', runbook);
    expect(exit).toBe(6);
    expect(out).toMatch(/^\? UNKNOWN 2 pending/);
    expect(out.replaceAll(/\s+/g, ' ')).toContain(
      'from line 1 on: whether PostgreSQL takes it, for what line 1 of 2_once leaves is not known here',
    );
    expect(readFileSync(runbook, 'utf8')).toContain('`3_age` from line 1 on: whether PostgreSQL takes it is not known');
  });

  it('fails for what PostgreSQL will refuse, and the runbook does not say to go on', async () => {
    migration('2_drop.sql', 'ALTER TABLE people DROP COLUMN name');
    migration('3_drop.sql', 'ALTER TABLE people DROP COLUMN code');
    const runbook = join(folder, 'runbook.md');
    const { exit, out } = await slipway('db', 'plan', '--runbook', runbook);
    expect(exit).toBe(6);
    expect(out).toContain('line 1: PostgreSQL will refuse it: it drops the column people.name, which view names still needs');
    const text = readFileSync(runbook, 'utf8');
    expect(text).toContain('**Not yet: the plan fails.**');
    expect(text.match(/Sizes: .*/)?.[0].match(/people/g)).toHaveLength(1);
    expect((await slipway('db', 'apply')).exit).toBe(6);
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
    const left = await server().query('postgres', `SELECT count(*)::int AS n FROM pg_database WHERE datname LIKE 'slipway\\_shadow%'`);
    expect([left, await query(`SELECT to_regclass('people') AS t`)]).toEqual([[{ n: 0 }], [{ t: null }]]);
    expect(await slipway('db', 'trace', '--server', 'NO_SUCH_VARIABLE')).toMatchObject({ exit: 2 });
  });
});

describe('slipway db trace --schema', () => {
  const DUMP = `SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.people (id int, name text);
ALTER TABLE public.people OWNER TO nobody_here;
INSERT INTO public.people SELECT n, 'x' FROM generate_series(1, 3) n;`;

  it('begins with a dump, and runs only what is new', async () => {
    migration('1_people.sql', 'CREATE TABLE people (id int PRIMARY KEY, name text)');
    migration('2_key.sql', 'ALTER TABLE people ADD PRIMARY KEY (id)');
    writeFileSync(join(folder, 'dump.sql'), DUMP);
    const trace = ['db', 'trace', '--server', 'SLIPWAY_DATABASE_URL', '--schema', 'dump.sql'] as const;
    expect(await json(...trace, '--since', '2_')).toMatchObject({
      exit: 0,
      data: { files: [{ name: '2_key.sql', verdict: 'pass', statements: [{ scans: ['people'] }] }] },
    });
    expect(await json(...trace)).toMatchObject({ exit: 6, data: { files: [{ name: '1_people.sql', verdict: 'fail' }] } });
    writeFileSync(join(folder, 'dump.sql'), `${DUMP}\nCREATE TABLE public.x (y nothing_known);`);
    const refused = await slipway(...trace);
    expect(refused.exit).toBe(6);
    expect(refused.err).toContain('--schema dump.sql:5: type "nothing_known" does not exist');
  });
});

describe('slipway db apply', () => {
  it('says what is pending, applies it, and takes one back', async () => {
    migration('2_name.up.sql', 'ALTER TABLE people ADD COLUMN name text');
    migration('2_name.down.sql', 'ALTER TABLE people DROP COLUMN name');
    migration('1_people.sql', 'CREATE TABLE people (id int PRIMARY KEY)');
    const looked = await slipway('db', 'apply', '--dry-run');
    expect(looked).toMatchObject({ exit: 0, out: expect.stringMatching(/2 pending:[\s\S]*2_name is not named/) as string });
    expect(await query(`SELECT to_regclass('people') AS t`)).toEqual([{ t: null }]);
    expect(await json('db', 'apply')).toMatchObject({
      exit: 0,
      data: { direction: 'up', verdict: 'pass', applied: ['1_people', '2_name'] },
    });
    expect(await query('SELECT DISTINCT release FROM slipway_history.migration')).toEqual([{ release: 'by hand: ann' }]);
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
    await query(
      `CREATE FUNCTION slow(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN pg_sleep(0.001) IS NULL THEN n ELSE n END'`,
    );
    const { exit, out } = await slipway('db', 'apply');
    expect(out).toMatch(/index: building index/);
    expect(exit).toBe(0);
  });
});

describe('slipway db backfill', () => {
  beforeEach(async () => {
    await query('CREATE TABLE people (id int PRIMARY KEY, name text, first_name text)');
    await query(`INSERT INTO people SELECT n, 'Ann Other' FROM generate_series(1, 2000) n`);
    writeFileSync(
      join(folder, 'backfills', 'split.yaml'),
      `table: people\nwhere: first_name IS NULL\nset: { first_name: "split_part(name, ' ', 1)" }\n`,
    );
  });

  it('forecasts, changes, proves and keeps a record', async () => {
    const dry = await json('db', 'backfill', 'split', '--dry-run');
    expect(dry).toMatchObject({ exit: 0, data: { forecast: { left: 2000, counted: true, tried: 500, waits: null } } });
    expect(await query('SELECT count(first_name)::int AS n FROM people')).toEqual([{ n: 0 }]);
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

  it('ends with a summary and sealed evidence where its verification does not run', async () => {
    const file = join(folder, 'backfills', 'split.yaml');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\nverify: SELECT 1 / (count(first_name) - 2000) FROM people\n`);
    const { exit, out } = await slipway('db', 'backfill', 'split');
    expect(exit).toBe(6);
    expect(out).toMatch(/FAIL split: `verify` of the backfill split does not run: division by zero/);
    expect(out).toMatch(/changed +2,000 rows/);
    expect((await slipway('db', 'backfill', 'split', '--evidence')).exit).toBe(0);
  });

  it('seals its evidence so that half a line, or a changed one, shows', async () => {
    const file = async (): Promise<string> => ((await json('db', 'backfill', 'split')).data['evidence'] as { readonly file: string }).file;
    const kept = await file();
    expect(await json('db', 'backfill', 'split', '--evidence')).toMatchObject({ exit: 0, data: { evidence: { verdict: 'pass' } } });
    appendFileSync(kept, '{"at":"2026-01-01T00:00:00.000Z","kind":"ba');
    expect(await slipway('db', 'backfill', 'split', '--evidence')).toMatchObject({
      exit: 6,
      out: expect.stringContaining('cut off') as string,
    });
    await file();
    const again = await json('db', 'backfill', 'split', '--evidence');
    expect(again).toMatchObject({
      exit: 0,
      data: { evidence: { verdict: 'pass', reason: expect.stringMatching(/^\d+ lines agree with the digests of \d runs$/) as string } },
    });
    const text = readFileSync(kept, 'utf8');
    expect(text).toContain(String.raw`"kind":"cut","text":"{\"at\":`);
    const sha256 = createHash('sha256')
      .update(text.slice(0, text.trimEnd().lastIndexOf('\n') + 1))
      .digest('hex');
    expect(JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ kind: 'end', sha256 });
    writeFileSync(kept, text.replace('"changed":100', '"changed":101'));
    expect(await slipway('db', 'backfill', 'split', '--evidence')).toMatchObject({
      exit: 14,
      out: expect.stringContaining('were changed') as string,
    });
  });

  it('sets refused rows aside with exit code 6, and tries them again when told to', async () => {
    await query(`ALTER TABLE people ADD CONSTRAINT no_ann CHECK (id <> 7 OR first_name IS NULL)`);
    expect(await slipway('db', 'backfill', 'split')).toMatchObject({ exit: 6, out: expect.stringContaining('1 rows are left') as string });
    await query('ALTER TABLE people DROP CONSTRAINT no_ann');
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
      writeFileSync(join(folder, 'backfills', 'split.yaml'), text);
      const words = expect.stringContaining('is not what can stand there') as string;
      expect(await slipway('db', 'backfill', 'split'), text).toMatchObject({ exit: 2, err: words });
    }
    expect(await query('SELECT count(first_name)::int AS n FROM people')).toEqual([{ n: 0 }]);
  });
});
