import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FAULT_VARIABLE } from '../../src/kernel/index.ts';
import type { RestoreResult } from '../../src/database/index.ts';
import { CHILD_ENVIRONMENT } from '../support/child.ts';
import { startPostgres, systemPostgres, type TestPostgres } from '../support/postgres.ts';
import { effects, scratch, until, writeMigrations } from './support.ts';
import { perform, type Work } from './work.ts';

const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url));

interface Ended {
  readonly signal: string | null;
  readonly answer: Record<string, unknown> | null;
  readonly errors: string;
}

const children: ChildProcess[] = [];
/** Also one that was frozen when its test failed. */
afterEach(() => {
  for (const one of children.splice(0)) one.kill('SIGKILL');
});

function child(work: Work, fault: string): { readonly ended: Promise<Ended>; readonly kill: (signal: NodeJS.Signals) => void } {
  const process_ = spawn(process.execPath, [CHILD, JSON.stringify(work)], { env: { ...CHILD_ENVIRONMENT, [FAULT_VARIABLE]: fault } });
  children.push(process_);
  let out = '';
  let errors = '';
  process_.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  process_.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<Ended>((resolve) =>
    process_.once('close', (_code, signal) =>
      resolve({ signal, answer: out === '' ? null : (JSON.parse(out) as Record<string, unknown>), errors }),
    ),
  );
  return { ended, kill: (signal) => void process_.kill(signal) };
}

let server: TestPostgres;
let number = 0;
let name: string;
let work: Work;
const folder = scratch();

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});

async function fresh(on: TestPostgres, method: Work['method']): Promise<void> {
  number += 1;
  name = `crash${number}`;
  work = { verb: 'apply', url: await on.create(name), directory: join(folder.path, name), method, fence: 1 };
}

/** Kills the work at the point, then runs it again, as a new worker would; answers what the second run said. */
async function killedAt(point: string, what: Work): Promise<unknown> {
  const first = await child(what, point).ended;
  expect(`${first.signal ?? 'ran through'} ${first.errors}`).toBe('SIGKILL ');
  return perform({ ...what, fence: what.fence + 1 }, effects);
}

const MIGRATIONS = {
  '1_a.sql': "CREATE TABLE t (id serial, s text); INSERT INTO t (s) VALUES ('one')",
  '2_b.up.sql':
    "-- slipway: no-transaction\nINSERT INTO t (s) VALUES ('two');\nCREATE INDEX CONCURRENTLY i ON t (s);\nINSERT INTO t (s) VALUES ('three')",
  '2_b.down.sql':
    "-- slipway: no-transaction\nDELETE FROM t WHERE s = 'two';\nDROP INDEX CONCURRENTLY i;\nINSERT INTO t (s) VALUES ('down')",
  '3_c.up.sql': "ALTER TABLE t ADD COLUMN n int; INSERT INTO t (s) VALUES ('four')",
  '3_c.down.sql': "ALTER TABLE t DROP COLUMN n; INSERT INTO t (s) VALUES ('c-down')",
};

const texts = async (): Promise<readonly unknown[]> => (await server.query(name, 'SELECT s FROM t ORDER BY id')).map((row) => row['s']);
const finished = async (): Promise<readonly unknown[]> =>
  (await server.query(name, 'SELECT name, finished FROM slipway_history.migration ORDER BY name')).map((row) => [
    row['name'],
    row['finished'],
  ]);
const indexes = (): Promise<readonly Record<string, unknown>[]> =>
  server.query(
    name,
    `SELECT c.relname, indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relname LIKE 'i%' AND c.relnamespace = 'public'::regnamespace`,
  );

describe('migrations killed at', () => {
  beforeEach(() => fresh(server, 'template'));

  test.each([
    'migrate.locked',
    'migrate.up.statement-done',
    'migrate.up.statement-done#2',
    'migrate.up.statement-done#3',
    'migrate.up.before-commit',
    'migrate.up.before-commit#2',
    'migrate.up.committed',
    'migrate.up.committed#2',
    'migrate.up.step-before-commit',
    'migrate.up.step-before-commit#2',
    'migrate.up.step-committed',
    'migrate.up.step-begun',
    'migrate.up.step-before-record',
    'migrate.up.step-committed#2',
  ])('%s end up as if nothing had happened', async (point) => {
    writeMigrations(work.directory, MIGRATIONS);
    expect(await killedAt(point, work)).toMatchObject({ verdict: 'pass', partial: null });
    expect(await texts()).toEqual(['one', 'two', 'three', 'four']);
    expect(await finished()).toEqual([
      ['1_a', true],
      ['2_b', true],
      ['3_c', true],
    ]);
    expect(await indexes()).toEqual([{ relname: 'i', indisvalid: true }]);
  });

  test.each([
    'migrate.down.statement-done',
    'migrate.down.before-commit',
    'migrate.down.committed',
    'migrate.down.step-before-commit',
    'migrate.down.step-committed',
    'migrate.down.step-begun',
    'migrate.down.step-before-record',
    'migrate.down.step-before-commit#2',
    'migrate.down.step-committed#2',
  ])('%s end up taken back once', async (point) => {
    writeMigrations(work.directory, MIGRATIONS);
    await perform(work, effects);
    expect(await killedAt(point, { ...work, verb: 'down', fence: 2 })).toMatchObject({ verdict: 'pass', partial: null });
    expect(await texts()).toEqual(['one', 'three', 'four', 'c-down', 'down']);
    expect(await finished()).toEqual([['1_a', true]]);
    expect(await indexes()).toEqual([]);
  });

  test('a long statement: the server cancels what nobody waits for, and the next run does it once', async () => {
    writeMigrations(work.directory, {
      '1_a.sql': "CREATE TABLE t (id serial, s text); INSERT INTO t (s) VALUES ('one')",
      '2_b.sql': `INSERT INTO t (s) SELECT 'two' FROM (SELECT pg_sleep(CASE WHEN (SELECT fence FROM slipway_history.migration_fence) < 2 THEN 60 ELSE 0 END)) x`,
    });
    const first = child(work, '');
    await until(
      'it sleeps',
      async () =>
        (await server.query('postgres', `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'PgSleep'`, [name])).length > 0,
    );
    first.kill('SIGKILL');
    await first.ended;
    expect(await perform({ ...work, fence: 2 }, effects)).toMatchObject({ verdict: 'pass', applied: ['2_b'] });
    expect(await texts()).toEqual(['one', 'two']);
  });

  test('a frozen worker that wakes up after it was replaced does nothing more', async () => {
    writeMigrations(work.directory, {
      '1_a.sql': `CREATE TABLE t (id serial, s text); INSERT INTO t (s) SELECT 'one' FROM (SELECT pg_sleep(CASE WHEN (SELECT fence FROM slipway_history.migration_fence) < 2 THEN 60 ELSE 0 END)) x`,
      '2_b.sql': "INSERT INTO t (s) VALUES ('two')",
    });
    const zombie = child(work, '');
    await until(
      'it sleeps',
      async () =>
        (await server.query('postgres', `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'PgSleep'`, [name])).length > 0,
    );
    zombie.kill('SIGSTOP');
    expect(await perform({ ...work, fence: 2 }, effects)).toMatchObject({ verdict: 'pass', applied: ['1_a', '2_b'] });
    zombie.kill('SIGCONT');
    const { answer, errors } = await zombie.ended;
    expect(answer).toBeNull();
    expect(errors).toContain('fenced');
    expect(await texts()).toEqual(['one', 'two']);
  });
});

function backups(method: Work['method'], points: readonly string[], open: () => TestPostgres): void {
  beforeEach(async () => {
    await fresh(open(), method);
    await open().query(name, 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 50)');
  });
  const count = async (): Promise<unknown> => (await open().query(name, 'SELECT count(*)::int AS n FROM t'))[0]?.['n'];
  const others = async (): Promise<readonly unknown[]> =>
    (await open().query('postgres', `SELECT datname FROM pg_database WHERE datname LIKE '${name}\\_%' ORDER BY 1`)).map(
      (row) => row['datname'],
    );

  test.each(points)('backup killed at %s', async (point) => {
    const answer = await killedAt(point, { ...work, verb: 'backup' });
    expect(answer).toMatchObject({ schema: 'slipway.backup/2', rows: { 'public.t': 50 } });
    expect(await perform({ ...work, verb: 'verify', fence: 2 }, effects)).toMatchObject({ verdict: 'pass' });
    expect(await others()).toHaveLength(method === 'template' ? 1 : 0);
  });

  test('verification killed: the next one drops the scratch database', async () => {
    await perform({ ...work, verb: 'backup' }, effects);
    expect(await killedAt('verify.materialised', { ...work, verb: 'verify' })).toMatchObject({ verdict: 'pass' });
    expect((await others()).filter((one) => String(one).includes('_verify_'))).toEqual([]);
  });

  test.each([
    ...(method === 'pg_dump' ? ['backup.empty-created'] : []),
    'restore.begun',
    'restore.materialised',
    'restore.before-swap',
    'restore.before-commit',
    'restore.swapped',
  ])('restore killed at %s', async (point) => {
    await perform({ ...work, verb: 'backup' }, effects);
    await open().query(name, 'DELETE FROM t WHERE id > 5');
    const answer = (await killedAt(point, { ...work, verb: 'restore' })) as RestoreResult;
    expect(answer).toMatchObject({ verdict: 'pass', failedDatabase: expect.stringContaining('_failed_') as string, notKept: [] });
    expect(await count()).toBe(50);
    expect(await open().query(answer.failedDatabase ?? '', 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 5 }]);
    expect((await others()).filter((one) => String(one).includes('_restore_'))).toEqual([]);
  });
}

describe('template', () => {
  backups('template', ['backup.copied', 'backup.before-manifest'], () => server);
});

describe.skipIf(systemPostgres() === null)('pg_dump', () => {
  let system: TestPostgres;
  beforeAll(async () => {
    system = await startPostgres({ version: 'system' });
  });
  afterAll(() => system.stop());
  backups('pg_dump', ['backup.dumped', 'backup.before-manifest'], () => system);
});
