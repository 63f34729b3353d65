import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAccess, openShadows, readQueries, runQueries, type Shadows } from '../../src/database/index.ts';
import { systemClock, systemIds } from '../../src/kernel/index.ts';
import type { DeclaredBackfill, ReadyVersion } from '../../src/release/prove/ports.ts';
import { makeSchemas, type MadeSchemas } from '../../src/release/prove/schemas.ts';
import { aDefinition } from '../support/definition.ts';
import { plainEffects } from '../workers/rig.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
let folder: string;
beforeAll(async () => {
  server = await startPostgres();
  folder = await mkdtemp(join(tmpdir(), 'prove-schemas-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

type Files = Readonly<Record<string, string>>;

async function version(name: string, files: Files, sample?: string): Promise<ReadyVersion> {
  const own = await mkdtemp(join(folder, 'version-'));
  await mkdir(join(own, 'migrations'));
  for (const [file, sql] of Object.entries(files)) await writeFile(join(own, 'migrations', file), sql);
  if (sample !== undefined) await writeFile(join(own, 'sample.sql'), sample);
  const definition = aDefinition();
  const database =
    definition.database === null
      ? null
      : { ...definition.database, migrations: 'migrations', ...(sample === undefined ? {} : { sample: 'sample.sql' }) };
  return { version: name, commit: null, told: 'a test', folder: own, definition: { ...definition, database } };
}

interface Given {
  readonly old: Files;
  readonly pending: Files;
  readonly sample?: string;
  readonly backfills?: readonly DeclaredBackfill[];
  readonly earlier?: readonly DeclaredBackfill[];
  readonly beyond?: boolean;
}

/** Makes the schemas on a server that was named, as a user who may do everything there. */
async function made(
  { old, pending, sample, backfills = [], earlier = [], beyond = false }: Given,
  look: (made: MadeSchemas, shadows: Shadows) => Promise<void>,
) {
  const shadows = await openShadows(openAccess(server.url('postgres')), systemIds.release(systemClock.now()));
  try {
    const source = {
      shadows,
      old: await version('1.0.0', old, sample),
      new: await version('1.1.0', { ...old, ...pending }),
      backfills,
      earlier,
      effects: plainEffects(systemClock),
      beyond,
      signal: new AbortController().signal,
      note: () => undefined,
    };
    await look(await makeSchemas(source), shadows);
  } finally {
    await shadows.close(false);
  }
}

const told = ({ proofs }: MadeSchemas) =>
  Object.fromEntries(proofs.map(({ schema, verdict, reason }) => [schema, `${verdict}: ${reason}`]));
const BASE = { '1_t.sql': 'CREATE TABLE t (id int PRIMARY KEY, n int)' };

describe('on a server that was named, what reaches beyond the database is not run', () => {
  const granted = async () => (await server.query('postgres', `SELECT FROM pg_auth_members WHERE member = 'somebody'::regrole`)).length;
  beforeAll(() => server.query('postgres', 'CREATE ROLE somebody'));
  const GRANT = 'GRANT pg_monitor TO somebody';

  it.each([
    ['a pending file', { old: BASE, pending: { '2_role.sql': GRANT } }, 'expanded'],
    ['a file of the old version', { old: { ...BASE, '2_role.sql': GRANT }, pending: {} }, 'old'],
    ['a block in one', { old: { ...BASE, '2_role.sql': `DO $$ BEGIN ${GRANT}; END $$` }, pending: {} }, 'old'],
    ['the sample data', { old: BASE, pending: {}, sample: `INSERT INTO t VALUES (1, 1); ${GRANT}` }, 'old'],
  ])('%s', async (_what, given, schema) => {
    await made(given, async (one) => {
      expect(told(one)[schema]).toMatch(
        /^unknown: .*is not run here: line 1: GRANT and REVOKE of roles hold for the whole server; set the server up/,
      );
      expect(await granted()).toBe(0);
    });
  });

  it('a command, a setting', async () => {
    const trace = join(folder, 'was-run');
    for (const sql of [`COPY t TO PROGRAM 'touch ${trace}'`, `ALTER SYSTEM SET work_mem = '5MB'`])
      await made({ old: { ...BASE, '2_run.sql': `-- slipway: no-transaction\n${sql}` }, pending: {} }, async (one) => {
        expect(told(one)['old']).toContain('2_run is not run here');
        expect(existsSync(trace)).toBe(false);
        expect(await server.query('postgres', `SELECT FROM pg_file_settings WHERE name = 'work_mem'`)).toEqual([]);
      });
  });

  it('a backfill, a statement that is asked', async () => {
    const reload = {
      old: BASE,
      pending: {},
      sample: 'INSERT INTO t VALUES (1)',
      backfills: [backfill('(SELECT 1 WHERE pg_reload_conf())')],
    };
    await made(reload, async (one) => {
      expect(told(one)['backfilled']).toContain('the backfill fill is not run here: line 1: pg_reload_conf reaches beyond the database');
      const { old } = one.databases;
      if (old === undefined) throw new Error('the old schema was not made');
      await writeFile(join(folder, 'q.sql'), 'SELECT pg_reload_conf()');
      const queries = await readQueries(folder, 'queries');
      expect(await runQueries(old, queries)).toMatchObject([
        { verdict: 'unknown', reason: 'not asked: pg_reload_conf reaches beyond the database' },
      ]);
      expect(await runQueries(old, queries, { beyond: true })).toMatchObject([{ verdict: 'pass' }]);
    });
  });

  it('but where somebody says that it may', async () => {
    await made({ old: { ...BASE, '2_role.sql': GRANT }, pending: {}, beyond: true }, async (one) => {
      expect(told(one)['old']).toMatch(/^pass/);
      expect(await granted()).toBe(1);
      await server.query('postgres', 'REVOKE pg_monitor FROM somebody');
    });
  });
});

describe('the old schema', () => {
  const given = { old: BASE, pending: {}, sample: 'INSERT INTO t VALUES (1), (2)' };

  it('holds what the backfills did that the old version requires, and no other', async () => {
    await made(
      { ...given, earlier: [backfill('7', true), { ...backfill('8'), definition: { ...backfill('8').definition, name: 'later' } }] },
      async (one) => {
        expect(told(one)['old']).toMatch(
          /^pass: 1 migration applied.*; sample.sql of the old version is loaded; the backfill fill changed 2 rows$/,
        );
        expect(await server.query(one.databases.old?.name ?? '', 'SELECT DISTINCT n FROM t')).toEqual([{ n: 7 }]);
      },
    );
  });

  it('is made all the same where one of them has nothing to work on any more, and says so', async () => {
    const gone = backfill('7', true);
    await made({ ...given, earlier: [{ ...gone, definition: { ...gone.definition, table: 'gone' } }] }, async (one) => {
      expect(told(one)['old']).toMatch(/^pass: .*; the backfill fill, which the old version requires, does not run here: /);
    });
  });
});

describe('a backfill', () => {
  it.each([
    ['that the sample data has no row for is told', 'INSERT INTO t VALUES (1, 1)', [], ['fill']],
    ['that changed a row is not', 'INSERT INTO t VALUES (1)', [], []],
    ['that the old version required has nothing left to do', 'INSERT INTO t VALUES (1)', [backfill('7', true)], []],
  ])('%s', async (_what, sample, earlier, idle) => {
    await made({ old: BASE, pending: {}, sample, earlier, backfills: [backfill('7', true)] }, async (one) => {
      expect(told(one)['backfilled']).toMatch(/^pass/);
      expect(one.idle).toEqual(idle);
    });
  });
});

function backfill(n: string, required = false): DeclaredBackfill {
  const limits = { transactionMs: 100, mostRowsPerBatch: 100, nice: 0, mostQuarantined: 0, lockTimeoutMs: 100, mostMs: null };
  const health = {
    lockWaiters: 9,
    activeSessions: 99,
    replicaLagMs: 1e9,
    replicaLagBytes: 1e12,
    keptWalBytes: 1e12,
    deadRows: 99,
    latency: 99,
    freeDiskBytes: 0,
    transactionAge: 2e9,
  };
  return {
    folder,
    definition: {
      name: 'fill',
      table: 't',
      key: null,
      where: 'n IS NULL',
      change: { kind: 'set', columns: { n } },
      verify: null,
      required,
      limits: { ...limits, health },
    },
  };
}
