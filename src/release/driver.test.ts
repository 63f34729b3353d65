import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../test/store/support.ts';
import { LIVE_LEASE, openBench, THREE, type Bench } from '../../test/workers/bench.ts';
import { aStep, FAIL, gate, PASS, scriptedWorker, untilStopped, type Scripts } from '../../test/workers/rig.ts';
import { SlipwayError, systemClock } from '../kernel/index.ts';
import type { Step } from './core/plan.ts';
import { drive, type DriverDeps } from './driver.ts';
import type { ReleaseStore } from './ports.ts';

let bench: Bench;
let store: Bench['store'];
beforeAll(async () => {
  bench = await openBench();
  store = bench.store;
});
afterAll(() => bench.stop());

describe('a drive', () => {
  it('brings a release to its end, records each intent before its outcome, and seals once', async () => {
    const { release, worker, told } = await bench.release(THREE);
    expect(await drive(worker(), release)).toBe('finished');
    expect(await told()).toEqual([
      'lock.acquired',
      'step.intended build.make',
      'step.finished build.make pass',
      'step.intended change.world',
      'step.finished change.world pass',
      'step.intended verify.smoke',
      'step.finished verify.smoke pass',
      'release.finished released',
    ]);
    expect((await store.load(release)).summary).toMatchObject({ status: 'released', sealed: true, driver: null });
    expect(await drive(worker(), release)).toBe('not-mine');
  });

  it('whose pack cannot be written notes why, gives the release back, and seals it at the next try', async () => {
    const { release, worker } = await bench.release(THREE);
    const broken = { ...worker(), seal: () => Promise.reject(new Error('no room for postgres://app:hunter2@db/shop')) };
    expect(await drive(broken, release)).toBe('parked');
    expect((await store.load(release)).summary).toMatchObject({
      status: 'released',
      sealed: false,
      unsealedBecause: expect.stringContaining('no room for postgres://app'),
      driver: null,
    });
    expect(await drive(worker(), release)).toBe('finished');
    expect((await store.load(release)).summary).toMatchObject({ sealed: true, unsealedBecause: null, driver: null });
  });

  it('seals before it tidies, and a release that could not be tidied is over all the same', async () => {
    const { release, worker } = await bench.release(THREE);
    const sealed: boolean[] = [];
    const tidy = async (): Promise<void> => {
      sealed.push((await store.load(release)).summary.sealed);
      throw new Error('no right to drop the old copy');
    };
    expect(await drive({ ...worker(), tidy }, release)).toBe('finished');
    expect(sealed).toEqual([true]);
  });

  it('is one driver at a time, however many try', async () => {
    let runs = 0;
    const { release, worker, told } = await bench.release([aStep('a.b')], { 'a.b': () => ((runs += 1), PASS) });
    const results = await Promise.all(['w1', 'w2', 'w3', 'w4'].map((id) => drive(worker({ id }), release)));
    expect(results.filter((result) => result === 'finished')).toHaveLength(1);
    expect(runs).toBe(1);
    expect((await told()).filter((line) => line.startsWith('step.intended'))).toHaveLength(1);
  });

  it.each<[string, Scripts[string], string]>([
    ['throws', () => Promise.reject(new Error('boom')), 'internal error: boom'],
    ['is out of time', untilStopped, 'told to stop'],
  ])('takes a step that %s for unknown, and goes back', async (_how, script, reason) => {
    const { release, worker, told } = await bench.release([aStep('change.world', { timeoutMs: 50 })], { 'change.world': script });
    expect(await drive(worker(), release)).toBe('finished');
    expect((await told()).slice(-5)).toEqual([
      'step.finished change.world unknown',
      'rollback.started',
      'step.intended rollback.world',
      'step.finished rollback.world pass',
      'release.finished rolled-back',
    ]);
    const outcome = (await store.load(release)).events.find((event) => event.type === 'step.finished');
    expect(outcome?.data).toMatchObject({ reason });
  });

  it('goes back when the plan holds a step kind that this build does not know', async () => {
    const { release, worker, told } = await bench.release([
      aStep('change.world'),
      aStep('verify.tomorrow', { kind: 'quantum-smoke' as Step['kind'] }),
    ]);
    expect(await drive(worker(), release)).toBe('finished');
    expect((await told()).slice(-5)).toEqual([
      'step.finished verify.tomorrow unknown',
      'rollback.started',
      'step.intended rollback.world',
      'step.finished rollback.world pass',
      'release.finished rolled-back',
    ]);
  });

  it('repeats a step until its window is over, and holds nothing while it waits', async () => {
    const { release, worker, told } = await bench.release([aStep('observe.window', { repeat: { everyMs: 300, forMs: 500 } })]);
    let open = 0;
    const count = async <T>(work: Promise<T>): Promise<T> => {
      open += 1;
      return work.finally(() => (open -= 1));
    };
    const clock = { ...systemClock, sleep: (ms: number, signal?: AbortSignal) => count(systemClock.sleep(ms, signal)) };
    const watching: ReleaseStore = { ...store, changed: (...args) => count(store.changed(...args)) };
    const deps = { ...worker({ clock }), store: watching };
    expect(await drive(deps, release)).toBe('parked');
    expect((await store.load(release)).summary).toMatchObject({ status: 'waiting', driver: null });
    // No sleeper and no watcher: ten thousand of these cost a worker nothing.
    await eventually('nothing is left open', () => open === 0);
    await eventually('the window is over', async () => (await drive(deps, release)) === 'finished');
    expect((await told()).filter((line) => line === 'step.finished observe.window pass').length).toBeGreaterThan(1);
  });
});

describe('a release that waited for another one', () => {
  const queued = async (service: string) => {
    const first = await bench.release([aStep('change.world')], {}, { service });
    const second = await bench.release([aStep('change.world')], {}, { service });
    return { first, second };
  };

  it('is carried out as it was planned again, for what serves then', async () => {
    const { first, second } = await queued('queue-1');
    await drive(first.worker(), first.release);
    const replan: DriverDeps['replan'] = async (plan) => ({ ...plan, steps: [aStep('change.else')] });
    expect(await drive({ ...second.worker(), replan }, second.release)).toBe('finished');
    expect(await second.told()).toEqual([
      'lock.acquired',
      'release.planned',
      'step.intended change.else',
      'step.finished change.else pass',
      'release.finished released',
    ]);
  });

  it('ends unchanged when it makes no sense any more', async () => {
    const { first, second } = await queued('queue-2');
    expect(await drive(second.worker(), second.release)).toBe('parked');
    await drive(first.worker(), first.release);
    const replan = () => Promise.reject(new SlipwayError('usage', '1.1.0 is what runs already'));
    expect(await drive({ ...second.worker(), replan }, second.release)).toBe('finished');
    expect((await second.told()).slice(-3)).toEqual(['lock.acquired', 'release.planned', 'release.finished unchanged']);
    expect((await store.load(second.release)).events.at(-1)?.data).toMatchObject({ reason: '1.1.0 is what runs already' });
  });

  it('ends unchanged, and says so, when what it would bring serves already', async () => {
    const { first, second } = await queued('queue-5');
    await drive(first.worker(), first.release);
    const replan = () => Promise.reject(new SlipwayError('already_serving', '1.1.0 is what runs already'));
    expect(await drive({ ...second.worker(), replan }, second.release)).toBe('finished');
    const planned = (await store.load(second.release)).events.find(({ type }) => type === 'release.planned');
    expect(planned?.data).toMatchObject({ plan: null, alreadyServes: true });
  });

  it('is planned by a later drive when a peer is away, and not begun meanwhile', async () => {
    const { first, second } = await queued('queue-3');
    await drive(first.worker(), first.release);
    const replan = () => Promise.reject(new SlipwayError('agent_unreachable', 'no agent'));
    await expect(drive({ ...second.worker(), replan }, second.release)).rejects.toThrow('no agent');
    expect((await second.told()).at(-1)).toBe('lock.acquired');
  });

  it('loses the approvals of the plan it had', async () => {
    const { first, second } = await queued('queue-4');
    await second.person({ type: 'approval.given', data: { decision: 'approve', reason: 'fine' } });
    await drive(first.worker(), first.release);
    const replan: DriverDeps['replan'] = async (plan) => ({ ...plan, steps: [aStep('change.world', { approvals: 1 })] });
    expect(await drive({ ...second.worker(), replan }, second.release)).toBe('parked');
    expect((await second.told()).at(-1)).toBe('release.planned');
  });
});

describe('a worker', () => {
  it('that loses its lease in the middle of a step stops it and records nothing more', async () => {
    const started = gate();
    const made = await bench.release(THREE, {
      'change.world': async (context) => {
        void started.pass();
        return untilStopped(context);
      },
    });
    const frozen = drive(made.worker({ id: 'frozen', lease: { ...LIVE_LEASE, renewMs: 50 } }), made.release);
    await started.reached;
    // To this store every other process of the host is dead.
    const heir = scriptedWorker((await bench.anotherStore(() => false)).store, { id: 'heir', home: bench.home });
    expect(await drive(heir, made.release)).toBe('finished');
    expect(await frozen).toBe('not-mine');
    const { events } = await store.load(made.release);
    const claim = events.findLastIndex((event) => event.type === 'driver.claimed');
    expect(events[claim]?.data).toMatchObject({ driver: 'heir', takeover: true });
    expect(events.slice(claim).map((event) => event.actor)).not.toContain('frozen');
    expect(await made.told()).toEqual(
      expect.arrayContaining(['step.interrupted change.world', 'step.finished change.world pass', 'release.finished released']),
    );
  });

  it('whose effect is refused by its fence gives up in silence', async () => {
    const { release, worker, told } = await bench.release([aStep('a.b')], {
      'a.b': () => Promise.reject(new SlipwayError('fenced', 'seen a later one')),
    });
    expect(await drive(worker(), release)).toBe('not-mine');
    expect(await told()).toEqual(['lock.acquired', 'step.intended a.b']);
  });

  it('starts no command once its lease may have ended', async () => {
    let started = 0;
    const made = await bench.release([aStep('a.b')], {
      'a.b': async ({ effects }) => (
        await effects.exec({ argv: ['true'], cwd: '/', env: {}, timeoutMs: 1, logFile: '/dev/null', secrets: [] }),
        PASS
      ),
    });
    let away = 0;
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + away };
    const deps = made.worker({ clock });
    const exec = async (): Promise<never> => {
      started += 1;
      throw new Error('started');
    };
    // The process stands still between the driver's last look at the lease and the command.
    const executors = {
      command: async (context: Parameters<NonNullable<DriverDeps['executors']['command']>>[0]) => (
        (away = 60_000),
        (await deps.executors.command?.(context)) ?? FAIL
      ),
    };
    expect(await drive({ ...deps, executors, effects: { ...deps.effects, exec } }, made.release)).toBe('not-mine');
    expect(started).toBe(0);
  });

  it('that is told to stop ends its step and hands the release over, due at once', async () => {
    const doing = gate();
    const stop = new AbortController();
    const { release, worker, told } = await bench.release(THREE, { 'build.make': async () => (await doing.pass(), PASS) });
    const driving = drive(worker(), release, stop.signal);
    await doing.reached;
    stop.abort();
    doing.open();
    expect(await driving).toBe('parked');
    expect((await told()).at(-1)).toBe('step.finished build.make pass');
    expect((await store.load(release)).summary.driver).toBeNull();
    // Woken by the store itself, without a sweep.
    const next = await bench.anotherStore();
    const successor = scriptedWorker(next.store, { id: 'w2', home: bench.home });
    await next.wakeups.work(1, async (one) => void (await drive(successor, one)));
    await eventually('the next worker ends it', async () => (await store.load(release)).summary.sealed);
    await next.wakeups.stop();
    expect(await told()).not.toContain('step.interrupted build.make');
  });
});
