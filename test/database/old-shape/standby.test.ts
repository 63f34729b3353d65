import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { columnShape, lookAtReader, lookAtShapes, openAccess, type DatabaseAccess, type ShapeFacts } from '../../../src/database/index.ts';
import { databaseChecks } from '../../../src/release/contract/database-checks.ts';
import type { Looking } from '../../../src/release/contract/gate.ts';
import { startPostgres, startReplica, type TestPostgres } from '../../support/postgres.ts';

const NAME = columnShape(['customers'], 'name', 'drop');
const COUNTS = ['shared_preload_libraries=pg_stat_statements'];

let primary: TestPostgres;
let replica: TestPostgres;
let access: DatabaseAccess;
let reader: DatabaseAccess;

beforeAll(async () => {
  primary = await startPostgres({ settings: [...COUNTS, 'max_wal_senders=10'] });
  access = openAccess(await primary.create('shop'));
  await primary.query('shop', 'CREATE TABLE customers (id int PRIMARY KEY, name text); CREATE EXTENSION pg_stat_statements');
  replica = await startReplica(primary, COUNTS);
  reader = openAccess(replica.url('shop'));
}, 120_000);
afterAll(async () => {
  await replica.stop();
  await primary.stop();
});

const ask = () => lookAtReader(access, reader, { shapes: [NAME], remember: true });

it('whoever reads on a standby is seen there, and remembered on the primary', async () => {
  await replica.query('shop', 'SELECT name FROM customers');
  const session = new pg.Client({ connectionString: replica.url('shop'), application_name: 'nightly report' });
  await session.connect();
  const first = await ask();
  await session.end();
  expect(first.sessions).toMatchObject([{ name: 'nightly report', count: 1 }]);
  expect(first.statements).toMatchObject({
    ok: true,
    value: { uses: [{ text: 'SELECT name FROM customers', calls: 1, watched: { movedAt: null } }] },
  });
  await replica.query('shop', 'SELECT name FROM customers');
  expect((await ask()).statements).toMatchObject({
    ok: true,
    value: { uses: [{ calls: 2, watched: { movedAt: expect.any(Number) as number } }] },
  });
  // The primary saw nothing of it, and knows that somebody may read elsewhere.
  const own = await lookAtShapes(access, { shapes: [NAME], away: { dropped: [], replaced: [] }, queries: [], remember: true });
  expect(own).toMatchObject({ standbys: 1, statements: { ok: true, value: { uses: [] } } });
});

it('what is no standby of this database is not taken for one', async () => {
  await primary.create('other');
  for (const wrong of [access, openAccess(primary.url('other')), openAccess(replica.url('postgres'))])
    await expect(lookAtReader(access, wrong, { shapes: [NAME], remember: true })).rejects.toMatchObject({ code: 'config_invalid' });
});

it('a standby that is named fails the gate by its readers, is unknown where it cannot be asked; others are told', async () => {
  const facts = {
    now: 0,
    standbys: 1,
    sessions: [],
    missing: [],
    dependants: [],
    queries: [],
    statements: { ok: false, reason: '', fix: '' },
  } as ShapeFacts;
  const checks = async (readers: readonly string[]) => {
    const looking = {
      access,
      subject: { declared: null, shapes: [NAME], contractions: [], unreadable: [], away: { dropped: [], replaced: [] } },
      request: { workspace: '', definition: { service: 'shop', database: readers.length === 0 ? {} : { readers } } },
      deps: { readersFor: async () => readers.map(openAccess) },
      isOld: () => false,
      windowMs: 1_000_000,
      // The window began long ago.
      use: { kind: 'until', version: '1.0.0', at: 0, by: null },
      freeSince: 0,
      now: 1e12,
    } as unknown as Looking;
    const asked = databaseChecks(looking, async () => facts).filter(([name]) => /^(standby|sessions)/.test(name));
    const answers: Record<string, { readonly verdict: string; readonly reason: string }> = {};
    for (const [name, one] of asked) answers[name] = await one();
    return answers;
  };
  await replica.query('shop', 'SELECT name FROM customers');
  await ask();
  await replica.query('shop', 'SELECT name FROM customers');
  expect(await checks([reader.url])).toMatchObject({
    sessions: { verdict: 'pass', reason: 'nobody else is connected now' },
    'standby 1': { verdict: 'fail', reason: expect.stringMatching(/called within .*SELECT name FROM customers/) as string },
  });
  expect(await checks(['postgresql://slipway@127.0.0.1:1/shop'])).toMatchObject({
    'standby 1': { verdict: 'unknown', reason: expect.stringContaining('it cannot be asked who reads there') as string },
  });
  expect(await checks([])).toMatchObject({
    sessions: { verdict: 'pass', reason: expect.stringContaining('1 standby streams from here and is not in database.readers') as string },
  });
});
