import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { databaseWorld } from './database-world.ts';
import { inProcess } from './support.ts';

const { folder, server, query, migration, slipway, json } = databaseWorld();

describe('the folder and the history of a tool', () => {
  const prisma = (name: string, sql: string): void => {
    mkdirSync(join(folder, 'migrations', name), { recursive: true });
    writeFileSync(join(folder, 'migrations', name, 'migration.sql'), sql);
  };

  it('are refused beforehand where the tool would not begin', async () => {
    await query('CREATE TABLE there (id int)');
    prisma('20240101000000_one', 'CREATE TABLE a (id int)');
    const said = [expect.stringMatching(/holds tables already \(public\.there\), and no _prisma_migrations.*baseline/)];
    expect(await json('db', 'plan')).toMatchObject({ exit: 6, data: { verdict: 'fail', drift: said } });
    expect(await json('db', 'apply', '--dry-run')).toMatchObject({ exit: 6, data: { verdict: 'fail', drift: said } });
    expect((await slipway('db', 'apply')).exit).toBe(4);
  });

  it('are used by plan, apply and lint alike', async () => {
    prisma('20240101000000_one', 'CREATE TABLE a (id int)');
    expect(await json('db', 'apply')).toMatchObject({ exit: 0, data: { applied: ['20240101000000_one'] } });
    expect(await query('SELECT migration_name AS name FROM _prisma_migrations')).toEqual([{ name: '20240101000000_one' }]);
    prisma('20240102000000_two', 'ALTER TABLE a ADD COLUMN n int');
    expect(await json('db', 'plan')).toMatchObject({ exit: 0, data: { files: [{ name: '20240102000000_two', phase: 'expand' }] } });
    expect(await json('db', 'apply', '--dry-run')).toMatchObject({
      exit: 0,
      data: {
        history: '_prisma_migrations',
        applied: [{ name: '20240101000000_one' }],
        pending: [{ name: '20240102000000_two' }],
        unusual: [],
      },
    });
    expect((await slipway('db', 'apply', '--dry-run')).out).toContain('1 applied by _prisma_migrations, the last one 20240101000000_one');
    expect(await json('db', 'lint')).toMatchObject({ exit: 0, data: { format: 'prisma' } });
    const asked = ['db', 'lint', '--database', 'SHOP_DATABASE'];
    expect((await json(...asked)).data).toMatchObject({ postgresFrom: 'database', files: [{ name: '20240102000000_two/migration.sql' }] });
    expect((await slipway(...asked)).out).toMatch(/\(prisma, PostgreSQL \d+ as the database says\)/);
    expect((await json(...asked, '--postgres', '15')).data).toMatchObject({ postgres: 15, postgresFrom: 'given' });
  });

  it('are named by database.history where that is not clear', async () => {
    migration('1_one.sql', 'CREATE TABLE a (id int)');
    await query(
      'CREATE TABLE _sqlx_migrations (version bigint, description text, installed_on timestamptz, success boolean, checksum bytea, execution_time bigint)',
    );
    await query('CREATE TABLE goose_db_version (id int, version_id bigint, is_applied boolean, tstamp timestamp)');
    const refused = await slipway('db', 'apply');
    expect(refused.exit).toBe(2);
    expect(refused.err).toContain('Set database.history to one of: slipway, goose, sqlx.');
    const before = readFileSync(join(folder, 'slipway.yaml'), 'utf8');
    writeFileSync(join(folder, 'slipway.yaml'), before.replace('migrations: migrations', 'migrations: migrations, history: slipway'));
    expect(await json('db', 'apply')).toMatchObject({ exit: 0, data: { applied: ['1_one'] } });
    writeFileSync(join(folder, 'slipway.yaml'), before.replace('migrations: migrations', 'history: slipway'));
    expect((await slipway('db', 'plan')).err).toContain('needs `migrations`: a command keeps its own');
    writeFileSync(join(folder, 'slipway.yaml'), before);
  });
});

describe('slipway db apply', () => {
  it('wants a reason that says something, and says whose work is out of step', async () => {
    migration('1_a.sql', 'CREATE TABLE a (id int)');
    expect((await slipway('db', 'apply')).exit).toBe(0);
    rmSync(join(folder, 'migrations', '1_a.sql'));
    expect((await slipway('db', 'apply', '--dry-run')).out).toContain('1_a was applied by ann by hand and is not in the folder');
    expect(await slipway('db', 'apply', '--accept-drift', ' ')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('the reason is empty'),
    });
  });

  it('says where a variable that is missing belongs, though no release waits for it', async () => {
    const { exit, err } = await inProcess(['-C', folder, 'db', 'plan'], { SLIPWAY_DATABASE_URL: server().url('store') });
    expect([exit, err.replaceAll(/\s+/g, ' ')]).toEqual([2, expect.stringContaining('then run the same command again')]);
    expect(err).not.toContain('slipway resume');
  });

  it('names what a release would ask first, and asks nothing of it', async () => {
    await query('CREATE TABLE kept (id int PRIMARY KEY, old text, name text)');
    migration('1_a.sql', 'ALTER TABLE kept DROP COLUMN old');
    migration('2_b.sql', 'CREATE TABLE b (id int); ALTER TABLE kept ALTER name SET NOT NULL');
    mkdirSync(join(folder, 'backfills'), { recursive: true });
    writeFileSync(join(folder, 'backfills', 'fill.yaml'), 'table: kept\nset: { name: "\'x\'" }\nwhere: name IS NULL\nrequired: true\n');
    const named = [
      expect.stringMatching(/mixes phases.*: 2_b; /),
      expect.stringMatching(/`db contract` first.*: 1_a, 2_b; /),
      expect.stringMatching(/backfill fill \(required: true\) done, which never ran here/),
    ];
    expect((await json('db', 'apply', '--dry-run')).data).toMatchObject({ remarks: named });
    expect((await slipway('db', 'apply')).out).toMatch(/Not asked here: [\s\S]*2 migrations applied/);
    expect((await json('db', 'apply')).data).toMatchObject({ remarks: [] });
    rmSync(join(folder, 'backfills'), { recursive: true });
  });
});

describe('a file that stopped in the middle', () => {
  const HALF = 'CREATE INDEX CONCURRENTLY i ON t (id);\nCREATE UNIQUE INDEX CONCURRENTLY u ON t (id);';

  it('is no hindrance: what applying does is go on there, and a dry run says so', async () => {
    await query('CREATE TABLE t (id int); INSERT INTO t VALUES (1), (1)');
    migration('1_a.sql', 'CREATE TABLE a (id int)');
    migration('2_half.sql', HALF);
    const failed = await slipway('db', 'apply');
    expect(failed.exit).toBe(6);
    expect(failed.out).toMatch(/1_a +1 statement .*applied, stays/);
    await query('DELETE FROM t');
    const dry = await slipway('db', 'apply', '--dry-run');
    expect(dry).toMatchObject({
      exit: 0,
      out: expect.stringContaining('2_half is partly applied: 1 of 2 statements; applying goes on there'),
    });
    expect((await slipway('db', 'apply')).exit).toBe(0);
  });

  it('is one where it is being taken back', async () => {
    migration('1_a.sql', 'CREATE TABLE t (id int)');
    migration('2_b.sql', 'CREATE INDEX CONCURRENTLY i ON t (id)');
    migration('2_b.down.sql', 'DROP INDEX CONCURRENTLY i;\nDROP INDEX CONCURRENTLY gone;');
    expect((await slipway('db', 'apply')).exit).toBe(0);
    expect((await slipway('db', 'apply', '--down', '2_b')).exit).toBe(6);
    const dry = await slipway('db', 'apply', '--dry-run');
    expect(dry).toMatchObject({ exit: 6, out: expect.stringContaining('2_b is being taken back: 1 of 2 statements; finish that first') });
  });
});
