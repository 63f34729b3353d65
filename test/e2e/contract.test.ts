import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAccess, queryRows } from '../../src/database/index.ts';
import { openEmbedded } from '../../src/store/index.ts';
import { makeSmallRig, until, type Ran, type SmallRig, type SmallService } from './support/small-service.ts';

const ROOT = fileURLToPath(new URL('../../package.json', import.meta.url));

/** Reads people by the given column; its pool is never idle, so its sessions are there to be seen. */
const server = (column: string): string => `
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
const { Pool } = createRequire(${JSON.stringify(ROOT)})('pg');
const pool = new Pool({ connectionString: process.env.DATABASE_URL, idleTimeoutMillis: 0 });
pool.on('error', () => undefined);
createServer(async (request, response) => {
  try {
    const { rows } = await pool.query('SELECT id, ${column} FROM people ORDER BY id LIMIT 1');
    response.end(JSON.stringify({ status: 'ok', version: process.env.SLIPWAY_VERSION, rows }));
  } catch (error) {
    response.writeHead(500).end(JSON.stringify({ error: error.message }));
  }
}).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;

const database = { embedded: 'people', migrations: 'migrations', queries: 'queries', backup: { none: 'a test' } };
const config = { database, smoke: { read: ['GET /'], write: { none: 'a test' }, within: '1s' } };
const BACKFILL = 'table: people\nwhere: first_name IS NULL\nset: { first_name: "split_part(name, \' \', 1)" }\n';
const CONTRACT = `drops: people.name
replaced-by: people.first_name
since: 1.1.0
window: 2s
because: a test
backfill: first-name
mismatch: { table: people, where: "first_name IS DISTINCT FROM split_part(name, ' ', 1)" }
fallback: SELECT coalesce(sum(times), 0) FROM read_fallback
`;

let rig: SmallRig;
let shop: SmallService;

beforeAll(async () => {
  rig = await makeSmallRig();
  shop = await rig.service('shop');
  await shop.commit('1.0.0', {
    config,
    files: {
      'server.js': server('name'),
      'queries/people.sql': 'SELECT id, name FROM people ORDER BY id LIMIT 1;',
      'migrations/1_people.sql': `CREATE EXTENSION pg_stat_statements; CREATE TABLE people (id serial PRIMARY KEY, name text, first_name text);
        CREATE TABLE read_fallback (times bigint NOT NULL); INSERT INTO people (name) SELECT 'Ann ' || n FROM generate_series(1, 100) n`,
    },
  });
  const released = await shop.slipway('release');
  if (released.exit !== 0) throw new Error(released.said);
});
afterAll(() => rig.close());

interface Gate {
  readonly verdict: string;
  readonly contracts: readonly {
    readonly name: string | null;
    readonly files: readonly string[];
    readonly checks: readonly { readonly name: string; readonly verdict: string; readonly reason: string }[];
  }[];
}

async function gate(): Promise<{
  readonly ran: Ran;
  readonly document: Gate;
  readonly verdicts: Readonly<Record<string, string>>;
  readonly reasons: Readonly<Record<string, string>>;
}> {
  const ran = await shop.slipway('db', 'contract', '--json');
  expect(ran.stdout, ran.said).not.toBe('');
  const document = JSON.parse(ran.stdout) as Gate;
  const checks = document.contracts[0]?.checks ?? [];
  return {
    ran,
    document,
    verdicts: Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict])),
    reasons: Object.fromEntries(checks.map(({ name, reason }) => [name, reason])),
  };
}

const columns = async (): Promise<readonly unknown[]> => {
  const { url } = await openEmbedded({ home: rig.home });
  const rows = await queryRows(
    openAccess(url('people')),
    `SELECT column_name FROM information_schema.columns WHERE table_name = 'people'`,
    5_000,
  );
  return rows.map(({ column_name: name }) => name);
};

it('switches only when the backfill is verified, and contracts only when nobody needs the old shape any more', async () => {
  // The switch.
  await shop.commit('1.1.0', {
    config,
    files: {
      'server.js': server('first_name'),
      'queries/people.sql': 'SELECT id, first_name FROM people ORDER BY id LIMIT 1;',
      'backfills/first-name.yaml': `${BACKFILL}required: true\n`,
    },
  });
  const early = await shop.slipway('release');
  expect(early.exit, early.said).toBe(10);
  expect(early.said).toContain('100 rows are wrong by the verification of first-name');
  expect((await shop.slipway('db', 'backfill', 'first-name')).exit).toBe(0);

  // Contracted under an old version's feet.
  await shop.write({
    'contracts/name.yaml': CONTRACT,
    'migrations/2_drop.sql': '-- slipway: rollback=app because "1.1.0 does without it"\nALTER TABLE people DROP COLUMN name',
  });
  const before = await gate();
  expect(before.ran.exit).toBe(6);
  expect(before.document.contracts[0]?.files).toEqual(['2_drop']);
  expect(before.verdicts).toMatchObject({
    window: 'fail',
    versions: 'fail',
    sessions: 'fail',
    queries: 'fail',
    dependants: 'pass',
    backfill: 'pass',
    mismatch: 'pass',
  });
  expect(before.reasons['sessions']).toContain('"shop 1.0.0 web-0"');
  await shop.commit('1.1.1', { config });
  const refused = await shop.slipway('release');
  expect(refused.exit, refused.said).toBe(10);
  expect(refused.said).toContain('name: window: the window has not begun: 1.0.0 is released, and versions before 1.1.0 need it');
  expect(await columns()).toContain('name');

  // The version that does without it serves, and the window passes.
  await shop.write({ 'migrations/2_drop.sql': 'SELECT 1' });
  await shop.commit('1.1.2', { config });
  const switched = await shop.slipway('release');
  expect(switched.exit, switched.said).toBe(0);
  await until('the old version is stopped', async () => (await shop.status()).running.every((one) => one.startsWith('1.1.2')));

  // A release that contracts nothing looks, and remembers what it saw.
  await shop.commit('1.1.3', { config });
  const watched = await shop.slipway('release');
  expect(watched.exit, watched.said).toBe(0);
  const { url } = await openEmbedded({ home: rig.home });
  const counters = await queryRows(openAccess(url('people')), 'SELECT subject FROM slipway_history.watched_counter', 5_000);
  expect(counters.map(({ subject }) => subject)).toContain('statements of public.people.name');

  await shop.write({
    'migrations/3_drop.sql': '-- slipway: rollback=app because "1.1.0 does without it"\nALTER TABLE people DROP COLUMN name',
  });
  expect((await gate()).verdicts).toMatchObject({ versions: 'pass', sessions: 'pass', queries: 'pass' });
  await until('the window has passed', async () => (await gate()).document.verdict === 'pass');

  // A reader turns up.
  await queryRows(openAccess(url('people')), 'SELECT max(name) FROM people', 5_000);
  const late = await gate();
  expect(late.verdicts).toMatchObject({ statements: 'fail', window: 'pass' });
  expect(late.reasons['statements']).toContain('SELECT max(name) FROM people, 1 call in all');
  await until('it is quiet again', async () => (await gate()).document.verdict === 'pass');

  await shop.commit('1.2.0', { config });
  const contracted = await shop.slipway('release');
  expect(contracted.exit, contracted.said).toBe(0);
  expect(await columns()).toEqual(['id', 'first_name']);
}, 240_000);
