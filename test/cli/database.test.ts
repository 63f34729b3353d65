import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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

  it('proves on no server but one that was named what reaches beyond a database, and says so before anything is started', async () => {
    const { exit, err } = await slipway('db', 'prove', '--beyond');
    expect(exit).toBe(2);
    expect(err).toContain('--beyond: without --server it would be the server of Slipway itself that is changed');
    expect(existsSync(join(folder, '.slipway', 'prove'))).toBe(false);
  });

  it('tells of a file that nobody has filled in, before it counts as applied', async () => {
    migration('2_empty.sql', '-- This is an empty migration.\n');
    expect((await slipway('db', 'plan')).out).toContain('it holds no statement, and counts as applied all the same');
    for (const more of [['--dry-run'], []])
      expect((await slipway('db', 'apply', ...more)).out).toContain('2_empty holds no statement: it changes nothing');
    expect((await slipway('db', 'apply', '--dry-run')).out).not.toContain('holds no statement');
  });

  it('is unknown where nobody can tell whether PostgreSQL takes it, and says from where on', async () => {
    migration('2_once.sql', 'SET search_path = public');
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
    // Goes on when it was looked at: the first look may come before the table is read, and the next one seconds later.
    migration('2_index.sql', 'CREATE INDEX CONCURRENTLY people_id ON people (met(id))');
    const seen = `SELECT FROM pg_stat_activity WHERE query LIKE '%FROM pg_stat_progress_create_index%' AND query_start > began AND state = 'idle'`;
    await query(
      `CREATE FUNCTION met(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE began timestamptz := clock_timestamp(); BEGIN
        WHILE n = 500 AND NOT EXISTS (${seen}) LOOP PERFORM pg_sleep(0.01), pg_stat_clear_snapshot(); END LOOP; RETURN n; END $$`,
    );
    const { exit, out } = await slipway('db', 'apply');
    expect(out).toMatch(/index: building index/);
    expect(exit).toBe(0);
  });
});
