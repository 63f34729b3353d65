import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSample, openAccess, openShadows, traceFiles, type DatabaseAccess } from '../../src/database/index.ts';
import { systemClock, systemIds } from '../../src/kernel/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
let access: DatabaseAccess;

beforeAll(async () => {
  server = await startPostgres();
  access = { ...openAccess(server.url('postgres')), own: true };
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

  /** Runs what only the server can work out. */
  const hidden = (sql: string): string => `DO $$ DECLARE s text; BEGIN SELECT ${sql} INTO s FROM pg_class LIMIT 1; EXECUTE s; END $$;`;
  const ROLES = `SELECT rolname AS name FROM pg_roles WHERE rolname LIKE 'slipway_shadow_%' OR rolname = 'escaped'`;

  it.each([
    ['roles', `'CREATE ROLE ' || 'escaped SUPERUSER'`],
    ['files', `'SELECT pg_read_' || 'file(''PG_VERSION'')'`],
    ['commands', `'COPY (SELECT 1) TO PROG' || 'RAM ''cat >/dev/null'''`],
    ['other sessions', `'SELECT pg_termin' || 'ate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user'`],
  ])('keep in what nobody can read beforehand: %s', async (_what, sql) => {
    const shadows = await openShadows(access, newId());
    const shadow = await shadows.make('one');
    const text = hidden(sql);
    const [file] = await traceFiles(shadow, [{ name: 'a.sql', text, direction: 'up', transactions: 'auto', gaps: [] }], systemClock);
    expect(file).toMatchObject({
      verdict: 'unknown',
      ran: false,
      reason: expect.stringMatching(/^line 1: .*\[42501\]$/) as string,
    });
    expect(await server.query('postgres', ROLES)).toHaveLength(1);
    await shadows.close(false);
    expect(await server.query('postgres', ROLES)).toEqual([]);
  });

  it('are run in by the user that was named with another server', async () => {
    const shadows = await openShadows(openAccess(access.url), newId());
    const [file] = await traceFiles(
      await shadows.make('one'),
      [
        {
          name: 'a.sql',
          text: hidden(`'SELECT pg_read_' || 'file(''PG_VERSION'')'`),
          direction: 'up',
          transactions: 'auto',
          gaps: [],
        },
      ],
      systemClock,
    );
    expect([file?.ran, await server.query('postgres', ROLES)]).toEqual([true, []]);
    await shadows.close(false);
  });

  it('let extensions be made that need no superuser, and are of the same owner in a copy', async () => {
    const shadows = await openShadows(access, newId());
    const first = await shadows.make('first');
    await loadSample(first, 'CREATE EXTENSION IF NOT EXISTS pgcrypto; CREATE TABLE t (n int);');
    const second = await shadows.make('second', first);
    await loadSample(second, 'ALTER TABLE t ADD COLUMN id uuid DEFAULT gen_random_uuid();');
    expect(await server.query(second.name, `SELECT count(*)::int AS n FROM pg_attribute WHERE attname = 'id'`)).toEqual([{ n: 1 }]);
    await shadows.close(false);
  });

  it('count statements where what is to run wants that, and let its owner do no more with it', async () => {
    const shadows = await openShadows(access, newId());
    const shadow = await shadows.make('one');
    const wanted = 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements;';
    await expect(loadSample(shadow, wanted)).rejects.toThrow('permission denied');
    await shadows.allow(shadow, `SELECT 1;\n${wanted}`);
    await loadSample(shadow, wanted);
    await expect(loadSample(shadow, 'SELECT pg_stat_statements_reset();')).rejects.toThrow('permission denied');
    await shadows.close(false);
  });

  it('leave no role of a run that is gone', async () => {
    const gone = await openShadows(access, newId());
    await gone.make('left');
    await gone.close(true);
    expect(await server.query('postgres', ROLES)).toHaveLength(1);
    await (await openShadows(access, newId())).close(false);
    expect(await server.query('postgres', ROLES)).toEqual([]);
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
