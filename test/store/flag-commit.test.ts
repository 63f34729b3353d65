import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createFlag,
  deleteFlag,
  editFlag,
  newFlag,
  type Flag,
  type FlagChange,
  type FlagSet,
  type FlagStore,
} from '../../src/flags/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { rewound } from '../../src/flags/core/rewind.ts';
import type { Listener } from '../../src/store/listener.ts';
import { createFlagStore } from '../../src/store/flags/store.ts';
import { createSession } from '../../src/store/session.ts';
import { CHILD_ENVIRONMENT } from '../support/child.ts';
import { embeddedServer, query, type TestServer } from './support.ts';

const CHILD = new URL('flag-commit-child.ts', import.meta.url).pathname;
let server: TestServer;
let url: string;
let store: FlagStore;

beforeAll(async () => {
  server = await embeddedServer();
  url = await server.newDatabase();
  store = (await server.open(url)).flags;
});
const started: ChildProcess[] = [];

afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await server.stop();
});

const aFlag = (salt: string): Flag => ({
  ...newFlag(
    'release_a',
    {
      type: 'release',
      owner: 'shop',
      valueType: 'boolean',
      variants: {},
      off: null,
      serve: null,
      expiresAt: 1,
      name: '',
      description: '',
      tags: [],
    },
    0,
  ),
  salt,
});

const put = (environment: string, key: string, revision: number | null, salt = 'x') =>
  store.commit({
    environment,
    actor: 'ann',
    reason: '',
    action: 'change',
    acknowledge: false,
    writes: [{ kind: 'flag', key, revision, after: aFlag(salt) }],
  });

/** The history makes the flags and their revisions, from nothing, without a gap: nothing of a change is there without the rest. */
async function checkWhole(environment: string): Promise<readonly FlagChange[]> {
  const { set, flagRevisions } = await store.read(environment);
  const changes = await store.history(environment, { limit: 10_000 });
  expect(changes.map(({ seq }) => seq)).toEqual(Array.from({ length: set.seq }, (_one, index) => set.seq - index));
  const empty: FlagSet = { ...set, seq: 0, flags: {}, segments: {} };
  expect(rewound(set, changes, 0)).toEqual(empty);
  for (const [key, revision] of flagRevisions) {
    const newest = changes.find(({ writes }) => writes.some((write) => write.key === key));
    expect(newest?.seq).toBe(revision);
    expect(newest?.writes.find((write) => write.key === key)?.after).toEqual(set.flags[key]);
  }
  return changes;
}

/** Commits in a process of its own, until it is killed. */
function committing(environment: string, fault = ''): ChildProcess {
  const env = { ...CHILD_ENVIRONMENT, SLIPWAY_FAULT_AT: fault, TEST_URL: url, TEST_ENVIRONMENT: environment };
  const child = spawn(process.execPath, [CHILD], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  return child;
}

describe('kill -9 in the middle of a commit', () => {
  it.each([
    ['flags.advanced', 0],
    ['flags.written', 0],
    ['flags.recorded', 0],
    ['flags.committed', 2],
  ])('at %s leaves all of it or nothing', async (fault, seq) => {
    const environment = `at-${fault.replace('.', '-')}`;
    const child = committing(environment, fault);
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const changes = await checkWhole(environment);
    // The first change of the child writes two flags and a segment.
    expect(changes.length).toBe(seq === 0 ? 0 : 1);
    expect(changes.flatMap(({ writes }) => writes).length).toBe(seq === 0 ? 0 : 3);
    // Nobody is kept waiting for who died.
    await put(environment, 'release_other', null);
    await checkWhole(environment);
  });
});

describe('what others hear', () => {
  it('is the environment, in the transaction of the commit: nothing of a change that was refused', async () => {
    const listening = new pg.Client({ connectionString: url });
    await listening.connect();
    const heard: (string | undefined)[] = [];
    listening.on('notification', ({ payload }) => heard.push(payload));
    await listening.query('listen slipway_flag');
    await put('loud', 'release_a', null);
    await expect(put('quiet', 'release_a', 7)).rejects.toMatchObject({ code: 'flag_conflict' });
    await put('loud', 'release_a', 1);
    await expect.poll(() => heard, { timeout: 20_000 }).toEqual(['loud', 'loud']);
    await listening.end();
  });

  it('comes within a second also where no notification does', async () => {
    const session = createSession({
      url,
      clock: systemClock,
      log: () => undefined,
      patienceMs: 5_000,
      waitsForRefusing: true,
      limitMs: null,
      revive: null,
    });
    const deaf: Listener = {
      start: () => undefined,
      connected: () => true,
      subscribe: () => () => undefined,
      close: () => Promise.resolve(),
    };
    const closing = new AbortController();
    const parts = {
      session,
      listener: deaf,
      clock: systemClock,
      log: () => undefined,
      faults: { at: () => undefined },
      closing: closing.signal,
    };
    const heard: (string | null)[] = [];
    const stop = createFlagStore(parts).subscribe((environment) => heard.push(environment));
    let salt = 0;
    await put('pooled', 'release_a', null);
    await expect
      .poll(
        async () => {
          await put('pooled', 'release_a', salt + 1, String((salt += 1)));
          return heard;
        },
        { timeout: 20_000, interval: 200 },
      )
      .toContain('pooled');
    stop();
    closing.abort();
    await session.close();
  });
});

describe('changes since', () => {
  it('are offered up to a bound, and not beyond what is kept', async () => {
    await put('long', 'release_a', null);
    const more = (from: number, to: number) =>
      query(
        url,
        `insert into slipway.flag_change select environment, n, at, actor, reason, action, acknowledge, writes, keys, n::text from slipway.flag_change, generate_series(${from}, ${to}) n where environment = 'long' and seq = 1; update slipway.flag_environment set seq = ${to} where name = 'long'`,
      );
    await more(2, 1_001);
    expect(await store.changesSince('long', 1)).toHaveLength(1_000);
    expect(await store.changesSince('long', 0)).toBeNull();
    await query(url, `delete from slipway.flag_change where environment = 'long' and seq = 900`);
    expect(await store.changesSince('long', 899)).toBeNull();
    expect(await store.changesSince('long', 900)).toHaveLength(101);
  });
});

it('a change that another one overtakes is made again from what was committed since, without reading all of it', async () => {
  const asked = { environment: 'overtaken', actor: 'ann', reason: 'because' };
  const another = (await server.open(url)).flags;
  await createFlag(store, asked, 'release_a', aFlag('a'));
  await createFlag(store, asked, 'release_b', aFlag('b'));
  let reads = 0;
  const overtaken: FlagStore = {
    ...store,
    read: (environment) => {
      reads += 1;
      return store.read(environment);
    },
    commitChecked: async (seq, change) => {
      // Somebody else changes the same flag, and takes another away, in the meantime.
      if (seq === 2)
        await editFlag(another, asked, 'release_a', { edit: (flag) => ({ ...flag, about: { ...flag.about, owner: 'another' } }) });
      if (seq === 2) await deleteFlag(another, asked, 'release_b');
      return store.commitChecked(seq, change);
    },
  };
  expect(await editFlag(overtaken, asked, 'release_a', { edit: (flag) => ({ ...flag, enabled: true }) })).toMatchObject({ seq: 5 });
  expect(reads).toBe(1);
  const { set, flagRevisions } = await store.read(asked.environment);
  expect(set.flags).toMatchObject({ release_a: { enabled: true, about: { owner: 'another' } } });
  expect(flagRevisions).toEqual(new Map([['release_a', 5]]));
});
