import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { aFlag } from '../server/bed.ts';
import { serversBed } from './servers-bed.ts';
import { LEASE } from './support.ts';

const STORE = path.resolve(import.meta.dirname, '../../src/store/index.ts');
const KERNEL = path.resolve(import.meta.dirname, '../../src/kernel/index.ts');

const bed = serversBed();
const { query, rows } = bed;
const processes = async (): Promise<readonly string[]> => (await bed.store.telemetry.reach('dev')).map(({ process: id }) => id);

/** A process that has said that it serves flags, as `p`, and goes on. */
async function anotherProcess(): Promise<ChildProcess> {
  const program = `
    const { openStore } = await import(${JSON.stringify(STORE)});
    const { systemClock } = await import(${JSON.stringify(KERNEL)});
    const options = { home: ${JSON.stringify(bed.home)}, url: ${JSON.stringify(bed.url)}, node: 'x', clock: systemClock, lease: ${JSON.stringify(LEASE)} };
    const { telemetry } = await openStore(options);
    await telemetry.present({ process: 'p', limitMs: 3600000 });
    console.log('here');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

it('a process of this host that was killed is forgotten at once, and one that runs is not', async () => {
  const child = await anotherProcess();
  expect(await bed.store.telemetry.reach('dev')).toMatchObject([{ process: 'p', host: hostname(), pid: child.pid, silent: null }]);
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  expect(await processes()).toEqual([]);
  expect(await rows()).toEqual([]);
});

it('a process that was killed leaves its clients for a minute from when that was seen, however long nothing was heard of it', async () => {
  const child = await anotherProcess();
  const told = { connected: 2, acknowledged: 1, p50Ms: null, p99Ms: null, lastMs: null, stale: [] };
  await bed.store.telemetry.report({ environment: 'dev', process: 'p', history: '', inMemory: 4, seq: 4, ...told });
  await query(`update slipway.flag_server set seen_at = clock_timestamp() - interval '10 minutes'`);
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  const before = await bed.store.flags.now();
  const [seen, ...others] = await bed.store.telemetry.reach('dev');
  expect(others).toEqual([]);
  expect(seen).toMatchObject({ process: 'p', pid: child.pid, connected: 2, seq: 4, acknowledged: 1, silent: null });
  expect(seen?.ended?.at).toBeGreaterThanOrEqual(before);
  expect((seen?.ended?.until ?? 0) - (seen?.ended?.at ?? 0)).toBe(60_000);
  // Seen again, it is not waited for any longer.
  expect(await bed.store.telemetry.reach('dev')).toEqual([seen]);
  expect(await bed.store.telemetry.reach('prd')).toEqual([]);
  await bed.store.telemetry.present({ process: 'q', limitMs: 60_000 });
  expect(await processes()).toEqual(['p', 'q']);
  await query(`update slipway.flag_server set ended_at = ended_at - interval '61 seconds'`);
  expect((await bed.store.telemetry.reach('dev')).map(({ process, ended }) => [process, ended?.isOver])).toEqual([
    ['p', true],
    ['q', undefined],
  ]);
  expect((await bed.store.telemetry.servers()).map(({ process }) => process)).toEqual(['q']);
  await bed.store.telemetry.present({ process: 'q', limitMs: 60_000 });
  expect(await rows()).toEqual(['q']);
  expect(await query('select process from slipway.flag_reach')).toEqual([]);
});

it('the next process that begins there takes it off the list', async () => {
  await bed.store.telemetry.present({ process: 'p', limitMs: 60_000 });
  await query('update slipway.flag_server set start_ticks = start_ticks - 1');
  await bed.store.telemetry.present({ process: 'q', limitMs: 60_000 });
  expect(await rows()).toEqual(['q']);
});

it('a process whose id was given to another one is not taken for it', async () => {
  await bed.store.telemetry.present({ process: 'p', limitMs: 60_000 });
  expect(await processes()).toEqual(['p']);
  await query('update slipway.flag_server set start_ticks = start_ticks - 1');
  expect(await processes()).toEqual([]);
});

it('of a process elsewhere nobody knows whether it has ended: it is silent after 10 s, and counts until its own limit has passed', async () => {
  await bed.store.telemetry.present({ process: 'p', limitMs: 60_000 });
  // Its id is nobody's here; what it means it means elsewhere.
  const elsewhere = (seconds: number) =>
    query(
      `update slipway.flag_server set place = 'elsewhere', pid = 2147483647, seen_at = clock_timestamp() - interval '${seconds} seconds'`,
    );
  await elsewhere(5);
  expect(await bed.store.telemetry.reach('dev')).toMatchObject([{ process: 'p', silent: null }]);
  await elsewhere(15);
  const [seen] = await bed.store.telemetry.reach('dev');
  expect(seen).toMatchObject({ process: 'p', pid: 2_147_483_647, silent: { since: expect.any(Number), until: expect.any(Number) } });
  // A process whose clock runs a percent slow, and that takes a moment to stop, has stopped by then.
  expect((seen?.silent?.until ?? 0) - (seen?.silent?.since ?? 0)).toBe(60_000 * 1.01 + 10_000);
  await elsewhere(65);
  expect(await processes()).toEqual(['p']);
  await elsewhere(75);
  expect(await processes()).toEqual([]);
  // The next process that says that it is there takes it away; not one that is only silent.
  expect(await rows()).toEqual(['p']);
  await bed.store.telemetry.present({ process: 'q', limitMs: 60_000 });
  expect(await rows()).toEqual(['q']);
  await query(`update slipway.flag_server set place = 'elsewhere', seen_at = clock_timestamp() - interval '30 seconds'`);
  await bed.store.telemetry.present({ process: 'r', limitMs: 60_000 });
  expect(await rows()).toEqual(['q', 'r']);
  // Who comes back says so, and is heard again.
  await bed.store.telemetry.present({ process: 'q', limitMs: 60_000 });
  expect(await bed.store.telemetry.reach('dev')).toMatchObject([
    { process: 'q', silent: null },
    { process: 'r', silent: null },
  ]);
});

describe('a process elsewhere that a person says has ended', () => {
  const by = { actor: 'ann', reason: 'web-3 burnt down' };
  const beSilent = (): Promise<unknown> =>
    query(`update slipway.flag_server set place = 'elsewhere', seen_at = seen_at - interval '30 seconds'`);
  const told = { environment: 'dev', history: '', inMemory: 4, seq: 4, acknowledged: 1, p50Ms: null, p99Ms: null, lastMs: null, stale: [] };

  it('is as one that was seen to have ended, and the history of every environment says who said so, once', async () => {
    for (const environment of ['dev', 'prd'])
      await bed.store.flags.commit({
        ...by,
        environment,
        action: 'create',
        acknowledge: false,
        writes: [{ kind: 'flag', key: 'a', revision: null, after: aFlag() }],
      });
    await bed.store.telemetry.present({ process: 'p', limitMs: 3_600_000 });
    await bed.store.telemetry.report({ ...told, process: 'p', connected: 2 });
    await beSilent();
    const [silent] = await bed.store.telemetry.servers();
    expect(silent).toMatchObject({ process: 'p', clients: 2, ended: null, silent: { since: silent?.heardAt } });
    expect(await bed.store.telemetry.forget('p', by)).toBe('forgotten');
    expect(await bed.store.telemetry.reach('dev')).toMatchObject([{ process: 'p', silent: null, ended: { at: expect.any(Number) } }]);
    for (const environment of ['dev', 'prd']) {
      const [change, before] = await bed.store.flags.history(environment, { limit: 2 });
      expect(change).toMatchObject({ actor: 'ann', action: 'server-gone', seq: (before?.seq ?? 0) + 1, acknowledge: false, writes: [] });
      expect(change?.reason).toMatch(/^the server process \d+ on .+, silent since 20.+Z: web-3 burnt down$/);
    }
    expect(await bed.store.telemetry.forget('p', by)).toBe('ended');
    expect(await bed.store.flags.history('dev', { limit: 9 })).toHaveLength(2);
  });

  it('registers anew when it comes back, whether or not its clients are still waited for', async () => {
    for (const connected of [2, 0]) {
      const { registered } = await bed.store.telemetry.present({ process: 'p', limitMs: 3_600_000 });
      await bed.store.telemetry.report({ ...told, process: 'p', connected });
      await beSilent();
      // To be silent is not to be gone.
      const back = await bed.store.telemetry.present({ process: 'p', limitMs: 3_600_000 });
      expect(back.registered).toBe(registered);
      await beSilent();
      expect(await bed.store.telemetry.forget('p', by)).toBe('forgotten');
      const anew = await bed.store.telemetry.present({ process: 'p', limitMs: 3_600_000 });
      expect(anew.registered).toBe(anew.at);
      expect(anew.registered).toBeGreaterThan(registered);
      expect(await bed.store.telemetry.reach('dev')).toMatchObject([{ process: 'p', silent: null, ended: null }]);
    }
  });

  it('that says at the same moment that it is there is heard, or registers anew', async () => {
    for (let times = 0; times < 20; times++) {
      const { registered } = await bed.store.telemetry.present({ process: 'p', limitMs: 3_600_000 });
      await beSilent();
      const [done, said] = await Promise.all([
        bed.store.telemetry.forget('p', by),
        bed.store.telemetry.present({ process: 'p', limitMs: 3_600_000 }),
      ]);
      const again = await bed.store.telemetry.present({ process: 'p', limitMs: 3_600_000 });
      expect([done, said.registered === registered]).toEqual(
        done === 'heard' ? ['heard', true] : ['forgotten', again.registered === registered],
      );
    }
  });
});
