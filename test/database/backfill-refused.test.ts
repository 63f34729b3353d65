import { describe, expect, test } from 'vitest';
import {
  DEFAULT_LIMITS,
  forecastBackfill,
  openAccess,
  runBackfill,
  type BackfillDefinition,
  type WaitRecord,
} from '../../src/database/index.ts';
import { startPostgres, startReplica } from '../support/postgres.ts';
import { backfillWorld } from './backfill-world.ts';

const { people, request, query, access, lines } = backfillWorld();

const words = (text: string): string => expect.stringContaining(text) as string;
const untouched = async (): Promise<void> => expect(await query('SELECT sum(times)::int AS n FROM people')).toEqual([{ n: 0 }]);

/** A user of the server with the rights named, and no others. */
async function user(...rights: readonly string[]) {
  const url = new URL(access().url);
  url.username = `few_${access().name}`;
  await query(`CREATE ROLE ${url.username} LOGIN; ${rights.map((right) => `GRANT ${right} TO ${url.username};`).join(' ')}`);
  return openAccess(url.toString());
}

describe('is found out before anything is changed', () => {
  test.each<readonly [what: string, definition: Partial<BackfillDefinition>, message: string]>([
    [
      'a condition over a column there is not',
      { where: 'nonesuch IS NULL' },
      '`where` of the backfill split-names does not run: column "nonesuch"',
    ],
    [
      'a condition that is no truth',
      { where: 'times + 1' },
      '`where` of the backfill split-names does not run: argument of WHERE must be type boolean',
    ],
    [
      'a column there is not',
      { change: { kind: 'set', columns: { nonesuch: '1' } } },
      '`set` of the backfill split-names does not run: column "nonesuch"',
    ],
    [
      'a value of another type',
      { change: { kind: 'set', columns: { times: 'now()' } } },
      '`set` of the backfill split-names does not run: column "times" is of type',
    ],
    [
      'a statement over a table there is not',
      { change: { kind: 'statement', sql: 'DELETE FROM nowhere WHERE id IN (${batch})' } },
      '`statement` of the backfill split-names does not run',
    ],
    [
      'a verification of a table there is not',
      { verify: 'SELECT count(*) FROM nowhere' },
      '`verify` of the backfill split-names does not run: relation "nowhere"',
    ],
    ['a verification with two columns', { verify: 'SELECT 1, 2' }, 'must answer one row with one whole number'],
  ])('%s', async (_what, wrong, message) => {
    await people(10);
    await expect(runBackfill(request({}, wrong))).rejects.toMatchObject({ code: 'config_invalid', message: words(message) });
    await expect(forecastBackfill(request({}, wrong))).rejects.toMatchObject({ code: 'config_invalid', message: words(message) });
    await untouched();
  });

  test.each<readonly [what: string, rights: readonly string[], message: string]>([
    ['no right to read the table', [`CREATE ON DATABASE %`], 'permission denied for table people'],
    ['no right to write the table', [`CREATE ON DATABASE %`, 'SELECT ON people'], 'permission denied for table people'],
    ['no right to make the schema slipway_history', ['ALL ON people'], 'permission denied for database'],
  ])('%s', async (_what, rights, message) => {
    await people(10);
    const few = await user(...rights.map((right) => right.replace('%', access().name)));
    await expect(runBackfill(request({ access: few }))).rejects.toMatchObject({
      code: 'database_refused',
      message: words(message),
      hint: words('Grant'),
    });
    await expect(forecastBackfill(request({ access: few }))).rejects.toMatchObject({ code: 'database_refused' });
    await untouched();
  });

  test('no right in a schema slipway_history that is there', async () => {
    await people(10);
    await runBackfill(request({}, { name: 'another', where: 'false' }));
    const few = await user('ALL ON people');
    const refused = { code: 'database_refused', message: words('permission denied for schema slipway_history'), hint: words('Grant') };
    await expect(runBackfill(request({ access: few }))).rejects.toMatchObject(refused);
    await query(
      `GRANT USAGE ON SCHEMA slipway_history TO few_${access().name}; GRANT ALL ON ALL TABLES IN SCHEMA slipway_history TO few_${access().name}`,
    );
    expect(await runBackfill(request({ access: few }))).toMatchObject({ verdict: 'pass', changed: 10 });
  });

  test.each(['first', 'later'])('a database that is set read-only, %s', async (when) => {
    await people(10);
    if (when === 'later') await runBackfill(request({}, { name: 'another', where: 'false' }));
    await query(`ALTER DATABASE ${access().name} SET default_transaction_read_only = on`);
    await expect(runBackfill(request())).rejects.toMatchObject({
      code: 'database_refused',
      message: words('read-only'),
      hint: words('primary'),
    });
    await query(`BEGIN READ WRITE; ALTER DATABASE ${access().name} RESET default_transaction_read_only; COMMIT`);
    await untouched();
  });
});

describe('a verification that', () => {
  test.each([
    ['answers a text', `SELECT 'many'`, 'one row with one whole number'],
    ['answers two rows', 'VALUES (1), (2)', 'one row with one whole number'],
    ['answers none', 'SELECT 1 WHERE false', 'one row with one whole number'],
    ['answers nothing', 'SELECT NULL::int', 'one row with one whole number'],
    ['answers less than nothing', 'SELECT -1', 'one row with one whole number'],
    ['cannot be worked out', 'SELECT 1 / (max(times) - 1) FROM people', 'does not run: division by zero [22012]'],
  ])('%s ends it, which is recorded', async (_what, verify, message) => {
    await people(10);
    const result = await runBackfill(request({}, { verify }));
    expect(result).toMatchObject({ verdict: 'fail', reason: words(message), changed: 10, wrong: null });
    expect(await query('SELECT status, because FROM slipway_history.backfill')).toEqual([{ status: 'failed', because: words(message) }]);
  });
});

describe('it waits while', () => {
  const { health } = DEFAULT_LIMITS;
  test.each<readonly [what: string, limit: Partial<typeof health>, line: string]>([
    ['the disk is fuller', { freeDiskBytes: 2 ** 60 }, "are free on the server's disk"],
    ['a slot keeps more WAL', { keptWalBytes: -1 }, 'of WAL are kept for a replication slot'],
    ['more sessions are at work', { activeSessions: -1 }, 'sessions are at work'],
    ['old transactions are not frozen', { transactionAge: -1 }, 'transactions old'],
  ])('%s than it may', async (_what, limit, line) => {
    await people(10);
    await query(`SELECT pg_create_physical_replication_slot('${access().name}', true)`);
    const stop = new AbortController();
    const onWait = (why: string | null): void => {
      lines.push(why ?? '');
      stop.abort();
    };
    const limits = { ...DEFAULT_LIMITS, health: { ...health, ...limit } };
    const waited: string[] = [];
    const onWaited = ({ because }: WaitRecord): void => void waited.push(because);
    expect(await runBackfill(request({ onWait, onWaited, signal: stop.signal }, { limits }))).toMatchObject({
      verdict: 'unknown',
      changed: 0,
    });
    await query(`SELECT pg_drop_replication_slot('${access().name}')`);
    expect(lines[0]).toContain(line);
    expect(waited).toEqual([lines[0]]);
  });
});

test('an archive that does not take WAL, and a replica that is behind, are waited for; the replica is refused as a target', async () => {
  const primary = await startPostgres({ settings: ['max_wal_senders=10', 'archive_mode=on', 'archive_command=/bin/false'] });
  const replica = await startReplica(primary);
  try {
    const url = await primary.create('shop');
    await primary.query(
      'shop',
      `CREATE TABLE people (id int PRIMARY KEY, name text, first_name text, times int NOT NULL DEFAULT 0);
      INSERT INTO people SELECT n, 'Ann Other' FROM generate_series(1, 3000) n`,
    );
    const there = () => replica.query('shop', 'SELECT count(*)::int AS n FROM people').catch(() => []);
    await expect.poll(there).toEqual([{ n: 3000 }]);
    const refused = { code: 'database_refused', message: words('read-only (a standby'), hint: words('primary') };
    await expect(runBackfill(request({ access: openAccess(replica.url('shop')) }))).rejects.toMatchObject(refused);

    await primary.query('shop', 'SELECT pg_switch_wal()');
    const stop = new AbortController();
    const onArchive = (why: string | null): void => {
      lines.push(why ?? '');
      stop.abort();
    };
    const kept = { ...DEFAULT_LIMITS, health: { ...DEFAULT_LIMITS.health, keptWalBytes: 1024 ** 2 } };
    await runBackfill(request({ access: openAccess(url), onWait: onArchive, signal: stop.signal }, { limits: kept }));
    expect(lines.shift()).toMatch(/^\d+ MiB of WAL wait for the archive \(limit 1 MiB\)$/);

    // Behind before the first batch: the whole table takes less than the time between two looks.
    await replica.query('shop', 'SELECT pg_wal_replay_pause()');
    await primary.query('shop', `CREATE TABLE written AS SELECT repeat('x', 100) AS text FROM generate_series(1, 2000)`);
    const onWait = (why: string | null): void => {
      if (why === null) return;
      lines.push(why);
      void replica.query('shop', 'SELECT pg_wal_replay_resume()');
    };
    const limits = { ...DEFAULT_LIMITS, mostRowsPerBatch: 100, health: { ...DEFAULT_LIMITS.health, replicaLagBytes: 10_000 } };
    const result = await runBackfill(request({ access: openAccess(url), onWait }, { limits }));
    expect(result).toMatchObject({ verdict: 'pass', changed: 3000 });
    expect(lines.filter((line) => line.startsWith('a replica is'))).not.toEqual([]);
    await expect.poll(() => replica.query('shop', 'SELECT count(first_name)::int AS n FROM people')).toEqual([{ n: 3000 }]);
    await expect(runBackfill(request({ access: openAccess(replica.url('shop')) }))).rejects.toMatchObject(refused);
  } finally {
    await replica.stop();
    await primary.stop();
  }
});
