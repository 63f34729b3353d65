import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { explainFlag, type Reach } from '../../src/flags/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';
import { aFlag } from '../server/bed.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { LEASE } from './support.ts';

let home: string;
let postgres: TestPostgres;
let store: OpenStore;
let client: pg.Client;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'slw-history-'));
  postgres = await startPostgres();
  const url = await postgres.create('slipway');
  store = await openStore({ home, url, node: 'bed', clock: systemClock, lease: LEASE });
  client = new pg.Client({ connectionString: url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await store.close();
  await postgres.stop();
  rmSync(home, { recursive: true, force: true });
});

it('a restore begins another history far above the old numbers, says who did it, and changes no flag', async () => {
  const by = { actor: 'ann', reason: 'backup of 03:00' };
  expect(await store.flags.restored('nobody', by)).toBeNull();
  const write = (revision: number | null, owner: string) =>
    store.flags.commit({
      environment: 'stg',
      actor: 'ann',
      reason: owner,
      action: 'change',
      acknowledge: false,
      writes: [{ kind: 'flag', key: 'a', revision, after: aFlag({ about: { ...aFlag().about, owner } }) }],
    });
  await write(null, 'one');
  await write(1, 'two');
  const { history, set } = await store.flags.read('stg');
  const restored = await store.flags.restored('stg', by);
  expect(restored).toMatchObject({ environment: 'stg', seq: 1_000_002, action: 'restore', writes: [], ...by });
  const after = await store.flags.read('stg');
  expect(after).toMatchObject({ set: { flags: set.flags, seq: 1_000_002 }, flagRevisions: new Map([['a', 2]]) });
  expect(after.history).not.toBe(history);
  // Also who asks without naming a history is told no changes that there never were.
  expect([await store.flags.changesSince('stg', 2, history), await store.flags.changesSince('stg', 2)]).toEqual([null, null]);
  await write(2, 'three');
  expect(await store.flags.changesSince('stg', 1_000_002, after.history)).toMatchObject([{ seq: 1_000_003 }]);
  expect((await store.flags.history('stg', { limit: 9 })).map(({ seq, action }) => `${seq} ${action}`)).toEqual([
    '1000003 change',
    '1000002 restore',
    '2 change',
    '1 change',
  ]);
});

it('an explanation of the time before a restore is of what was so then', async () => {
  const commit = (seq: number | null, enabled: boolean) =>
    store.flags.commit({
      environment: 'prd',
      actor: 'ann',
      reason: '',
      action: 'change',
      acknowledge: false,
      writes: [{ kind: 'flag', key: 'a', revision: seq, after: aFlag({ enabled }) }],
    });
  await commit(null, false);
  await commit(1, true);
  await commit(2, false);
  await store.flags.restored('prd', { actor: 'ann', reason: 'x' });
  await commit(3, true);
  const reasonAt = async (seq: number) =>
    (await explainFlag(store.flags, { environment: 'prd', key: 'a', context: {}, seq })).evaluation.reason;
  expect(await Promise.all([1, 2, 3, 1_000_003, 1_000_004].map(reasonAt))).toEqual([
    'DISABLED',
    'STATIC',
    'DISABLED',
    'DISABLED',
    'STATIC',
  ]);
});

it('a number of a change means the same within one history only, which a restored store or an operator ends', async () => {
  const writes = [{ kind: 'flag', key: 'a', revision: null, after: aFlag() }] as const;
  expect((await store.flags.read('dev')).history).toBe('');
  await store.flags.commit({ environment: 'dev', actor: 'ann', reason: 'test', action: 'create', acknowledge: false, writes });
  const { history } = await store.flags.read('dev');
  expect(history).toMatch(/^[0-9a-f]{16}$/);
  expect((await store.flags.read('dev')).history).toBe(history);
  expect(await store.flags.changesSince('dev', 1, history)).toEqual([]);
  const nobody = { connected: 1, acknowledged: 1, p50Ms: null, p99Ms: null, lastMs: null, stale: [] };
  const reach: Reach = { environment: 'dev', process: 'p', history, inMemory: 1, seq: 1, ...nobody };
  const here = { host: hostname(), pid: process.pid, silent: null, ended: null };
  await store.telemetry.present({ process: 'p', limitMs: 60_000 });
  await store.telemetry.report(reach);
  expect(await store.telemetry.reach('dev')).toEqual([{ ...reach, ...here }]);

  // What a dump that is read back in does: the same rows in a table of another number.
  await client.query(`
    create table slipway.restored (like slipway.flag_environment including all);
    insert into slipway.restored select * from slipway.flag_environment;
    alter table slipway.flag_environment rename to lost;
    alter table slipway.restored rename to flag_environment`);
  const restored = await store.flags.read('dev');
  expect(restored.set.seq).toBe(1);
  expect(restored.history).not.toBe(history);
  expect(await store.flags.changesSince('dev', 1, history)).toBeNull();
  // Who follows the other history knows nothing of this one, whatever its numbers are.
  expect(await store.telemetry.reach('dev')).toEqual([{ ...reach, ...here, inMemory: 0, seq: 0, acknowledged: 0 }]);

  await client.query('update slipway.flag_environment set history = gen_random_uuid()::text');
  expect((await store.flags.read('dev')).history).not.toBe(restored.history);
});
