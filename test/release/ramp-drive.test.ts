import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../packages/flags/src/index.ts';
import { deleteSegment, editFlag, flagOf, killFlag } from '../../src/flags/index.ts';
import { systemClock, systemIds } from '../../src/kernel/index.ts';
import { foldRamp, type RampPlan, type RampState } from '../../src/release/index.ts';
import { readRampFlag, setFlag } from '../../src/release/ramps/set-flag.ts';
import type { OpenStore } from '../../src/store/index.ts';
import { serve } from '../analysis/support.ts';
import { embeddedServer, eventually, type TestServer } from '../store/support.ts';
import { CHILD_ENVIRONMENT } from '../support/child.ts';
import { OFF_FLAG } from '../support/flag.ts';
import { drivingIn, KEY, planned } from './ramp-bed.ts';
import { LEASE, NODE } from './ramp-child.ts';

let server: TestServer;
let url: string;
let store: OpenStore;
/** What a Prometheus would answer: the worst latency of those who have the variant; null: it is broken. */
let latency: number | null = 0.1;
let slowMs = 0;
let prometheus: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  server = await embeddedServer();
  url = await server.newDatabase();
  store = await server.open(url, { lease: LEASE, node: NODE });
  prometheus = await serve((_request, response) => {
    response.setHeader('content-type', 'application/json');
    if (latency === null) response.statusCode = 500;
    const at = Date.now() / 1_000;
    const one = (part: string, value: number) => ({ metric: { slipway_part: part }, value: [at, String(value)] });
    const result = [one('canary gauge', latency ?? 0), one('stable gauge', 0.1)];
    const body = JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });
    setTimeout(() => response.end(body), slowMs);
  });
});
afterAll(async () => {
  prometheus.server.close();
  await server.stop();
});

/** A flag that is off, in an environment of its own, and a ramp of it that begins now. */
async function startRamp(steps: readonly string[]): Promise<RampPlan> {
  const plan = await planRamp(steps);
  await store.ramps.start(plan);
  return plan;
}

/** The same, with a ramp that nobody has begun. */
const planRamp = (steps: readonly string[]): Promise<RampPlan> => planned(store, prometheus.port, steps);

const stateOf = async ({ ramp }: RampPlan): Promise<RampState> => foldRamp(await store.ramps.load(ramp));
const flagNow = async ({ environment }: RampPlan) => flagOf(await store.flags.read(environment), KEY).flag;
const ended = (plan: RampPlan) => eventually('the ramp ends', async () => (await stateOf(plan)).ended, 60_000);
const at = (plan: RampPlan, index: number) => eventually(`step ${index}`, async () => (await stateOf(plan)).set?.index === index, 60_000);

/** Who of a thousand people has the variant. */
async function reach({ environment }: RampPlan): Promise<number> {
  const { set } = await store.flags.read(environment);
  const evaluator = compile(set);
  return Array.from({ length: 1_000 }, (_, index) => evaluator.boolean(KEY, { targetingKey: `user-${index}` }, false)).filter(Boolean)
    .length;
}

/** Drives ramps in this process while `work` runs. */
const driving = <T>(work: () => Promise<T>): Promise<T> => drivingIn(store, work);

describe('a ramp over a real store and a source that speaks HTTP', () => {
  it('turns the flag on step by step, and says each change in its history', async () => {
    latency = 0.1;
    const plan = await startRamp(['off', 'internal for 500ms', '10% for 1h', '100% for 500ms']);
    const partly = await driving(async () => {
      await at(plan, 2);
      const people = await reach(plan);
      // It stays there until it was looked at, however long that takes.
      await store.ramps.request(plan.ramp, 'bob', { type: 'promote.requested', data: { reason: 'seen', index: 2 } });
      expect(await ended(plan)).toMatchObject({ outcome: 'completed' });
      return people;
    });
    expect(partly).toBeGreaterThan(60);
    expect(partly).toBeLessThan(140);
    expect(await reach(plan)).toBe(1_000);
    const history = await store.flags.history(plan.environment, { key: KEY, limit: 10 });
    expect(history.map(({ action, actor }) => [action, actor]).slice(0, 3)).toEqual(
      Array.from({ length: 3 }, () => ['ramp', `ramp ${plan.ramp}`]),
    );
    expect(history[0]?.reason).toContain('step 4 of 4: 100 % for 500ms');
  });

  it('sets no step whose segment went after it was looked at', async () => {
    const plan = await planRamp(['internal', '100%']);
    const seen = await readRampFlag(store.flags, plan);
    await deleteSegment(store.flags, { environment: plan.environment, actor: 'bob', reason: 'not needed' }, 'staff');
    expect(await setFlag(store.flags, { plan, index: 0, revision: plan.revision }, seen)).toBeNull();
    const { set } = await store.flags.read(plan.environment);
    expect([compile(set).problems, set.flags[KEY]]).toEqual([[], OFF_FLAG]);
  });

  it('turns the flag off at once when its gate fails, with the reason', async () => {
    latency = 0.1;
    const plan = await startRamp(['internal for 300ms', '10% for 1h', '100%']);
    await driving(async () => {
      await at(plan, 1);
      latency = 0.9;
      expect(await ended(plan)).toMatchObject({ outcome: 'reversed', reason: expect.stringContaining('latency: 0.9 of the canary') });
    });
    expect(await reach(plan)).toBe(0);
    const [newest] = await store.flags.history(plan.environment, { key: KEY, limit: 1 });
    expect(newest).toMatchObject({
      action: 'kill',
      actor: `ramp ${plan.ramp}`,
      acknowledge: true,
      reason: expect.stringContaining('the ramp failed: latency'),
    });
  });

  it('is held while its source is silent, and goes on when it answers or when a person says so', async () => {
    latency = null;
    const plan = await startRamp(['internal for 200ms', '10% for 200ms', '100% for 200ms']);
    await driving(async () => {
      await eventually('a look', async () => (await stateOf(plan)).look?.reason.includes('answered 500'));
      await systemClock.sleep(1_500);
      expect((await stateOf(plan)).set?.index).toBe(0);
      await store.ramps.request(plan.ramp, 'bob', { type: 'promote.requested', data: { reason: 'seen by hand', index: 0 } });
      await at(plan, 1);
      latency = 0.1;
      expect(await ended(plan)).toMatchObject({ outcome: 'completed' });
    });
  });

  it('sees a kill whatever was changed since', async () => {
    const plan = await startRamp(['off for 1h', '10% for 1h']);
    const asked = { environment: plan.environment, actor: 'bob', reason: 'it burns' };
    await killFlag(store.flags, asked, KEY);
    await editFlag(store.flags, asked, KEY, { edit: (flag) => ({ ...flag, about: { ...flag.about, description: 'later' } }) });
    expect((await readRampFlag(store.flags, plan)).facts).toEqual({ flag: { revision: 3, enabled: false, by: 'bob', action: 'kill' } });
    await driving(async () => expect(await ended(plan)).toMatchObject({ outcome: 'killed' }));
  });

  it('pauses when a person changes the flag, and ends when one kills it', async () => {
    latency = 0.1;
    const plan = await startRamp(['internal for 1h', '10% for 1h']);
    await driving(async () => {
      await at(plan, 0);
      const { flag, revision } = flagOf(await store.flags.read(plan.environment), KEY);
      const after = { ...flag, about: { ...flag.about, description: 'changed by hand' } };
      await store.flags.commit({
        environment: plan.environment,
        actor: 'bob',
        reason: 'typo',
        action: 'change',
        acknowledge: false,
        writes: [{ kind: 'flag', key: KEY, revision, after }],
      });
      await eventually('it pauses', async () => (await stateOf(plan)).paused?.reason.includes('bob changed the flag'));
      await store.ramps.request(plan.ramp, 'bob', { type: 'resume.requested', data: { reason: '' } });
      await eventually(
        'it goes on',
        async () =>
          (await stateOf(plan)).paused === null && (await stateOf(plan)).open === null && (await stateOf(plan)).revision > revision,
      );
      await killFlag(store.flags, { environment: plan.environment, actor: 'carol', reason: 'orders are lost' }, KEY);
      expect(await ended(plan)).toMatchObject({ outcome: 'killed', reason: 'carol turned the flag off' });
    });
    expect((await flagNow(plan)).about.description).toBe('changed by hand');
  }, 180_000);

  it('is not taken over while a slow source is waited for', async () => {
    latency = 0.1;
    slowMs = 2 * LEASE.leaseMs;
    try {
      const plan = await startRamp(['internal for 200ms', '10% for 200ms']);
      await driving(() => driving(async () => expect(await ended(plan)).toMatchObject({ outcome: 'completed' })));
      const looks = (await store.ramps.load(plan.ramp)).filter(({ type }) => type === 'step.looked');
      expect(looks.length).toBeLessThan(8);
    } finally {
      slowMs = 0;
    }
  });

  it('is the only one of its flag', async () => {
    const plan = await startRamp(['internal for 1h', '10%']);
    await expect(store.ramps.start({ ...plan, ramp: systemIds.release(systemClock.now()) })).rejects.toMatchObject({
      code: 'ramp_under_way',
    });
    await store.ramps.request(plan.ramp, 'ann', { type: 'cancel.requested', data: { reason: 'by hand' } });
    await driving(async () => expect(await ended(plan)).toMatchObject({ outcome: 'cancelled' }));
    await expect(store.ramps.request(plan.ramp, 'ann', { type: 'pause.requested', data: { reason: '' } })).rejects.toMatchObject({
      code: 'not_possible_now',
    });
  });
});

/** A worker of its own, which ends itself as by `kill -9` at a named point. */
function worker(faultAt: string): ChildProcess {
  return spawn(process.execPath, [new URL('ramp-child.ts', import.meta.url).pathname, url, '/nowhere'], {
    env: { ...CHILD_ENVIRONMENT, SLIPWAY_FAULT_AT: faultAt },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

describe('a worker that is killed in the middle of a ramp', () => {
  it.each(['ramp.decided.set', 'ramp.acted.set', 'ramp.acted.set#2', 'ramp.recorded.record#3', 'ramp.acted.look', 'ramp.recorded.look#2'])(
    'at %s: another goes on, and each change is made once',
    async (point) => {
      latency = 0.1;
      const plan = await startRamp(['internal for 200ms', '10% for 200ms', '100% for 200ms']);
      const killed = worker(point);
      const [, signal] = (await once(killed, 'exit')) as [number | null, string | null];
      expect(signal).toBe('SIGKILL');
      expect((await stateOf(plan)).ended).toBeNull();
      await driving(async () => expect(await ended(plan)).toMatchObject({ outcome: 'completed' }));
      const changes = await store.flags.history(plan.environment, { key: KEY, limit: 20 });
      expect(changes.filter(({ action }) => action === 'ramp')).toHaveLength(3);
      const sets = (await store.ramps.load(plan.ramp)).filter(({ type }) => type === 'step.set');
      expect(sets).toHaveLength(3);
    },
    90_000,
  );

  it('after its gate failed: the flag is off all the same', async () => {
    latency = 0.9;
    for (const point of ['ramp.recorded.look', 'ramp.decided.kill', 'ramp.acted.kill']) {
      const plan = await startRamp(['internal for 1h', '10%']);
      const killed = worker(point);
      await once(killed, 'exit');
      await driving(async () => expect(await ended(plan)).toMatchObject({ outcome: 'reversed' }));
      expect((await flagNow(plan)).enabled).toBe(false);
      const kills = (await store.flags.history(plan.environment, { key: KEY, limit: 20 })).filter(({ action }) => action === 'kill');
      expect(kills).toHaveLength(1);
    }
  }, 180_000);
});
