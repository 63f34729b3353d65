import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embeddedServer, eventually, scratch, type Scratch, type TestServer } from '../../test/store/support.ts';
import { ask, aStep, FAIL, gate, PASS, scriptedPlan, scriptedWorker, story, untilStopped, type Scripts, type WorkerOptions } from '../../test/workers/rig.ts';
import { checkChain } from '../evidence/index.ts';
import { systemClock } from '../kernel/index.ts';
import type { NewEvent } from './core/events.ts';
import type { Plan, Step } from './core/plan.ts';
import { drive, type DriverDeps, type DriveResult } from './driver.ts';
import type { ReleaseStore } from './ports.ts';

const LIVE_LEASE = { leaseMs: 15_000, renewMs: 3_000, marginMs: 4_000 };

/** Two steps that pass and one between them that changes the world, so that there is something to undo. */
const THREE = [aStep('build.make'), aStep('change.world'), aStep('verify.smoke')];

let server: TestServer;
let place: Scratch;
let url = '';
/** The worker's, and that of people in another process. */
let store: ReleaseStore;
let other: ReleaseStore;
beforeAll(async () => {
  server = await embeddedServer();
  place = scratch();
  url = await server.newDatabase();
  store = await anotherStore();
  other = await anotherStore();
});
afterAll(async () => {
  await server.stop();
  place.remove();
});

/** A store of its own, as another process would have it. */
async function anotherStore(isAlive?: () => boolean): Promise<ReleaseStore> {
  return (await server.open(url, { lease: LIVE_LEASE, ...(isAlive === undefined ? {} : { isAlive }) })).store;
}

/** Drives until nothing moves any more without somebody; timers of milliseconds are waited for. */
async function toRest(deps: DriverDeps, release: string): Promise<DriveResult> {
  return eventually('the release rests', async () => {
    const result = await drive(deps, release);
    const { events, summary } = await deps.store.load(release);
    const repeating = events.at(-2)?.type === 'step.finished' || events.at(-1)?.type === 'step.finished';
    return summary.status === 'waiting' && repeating ? null : result;
  });
}

interface Bench {
  readonly release: string;
  readonly worker: (options?: Partial<WorkerOptions>) => DriverDeps;
  readonly person: (event: NewEvent, actor?: string) => Promise<void>;
  readonly told: () => Promise<readonly string[]>;
}

/** A submitted release with its worker, and a person in another process. */
async function bench(steps: readonly Step[], scripts: Scripts = {}, changes: Partial<Plan> = {}): Promise<Bench> {
  const plan = scriptedPlan(steps, changes);
  const { release } = plan;
  await store.submit({ plan, actor: plan.requestedBy, wait: true });
  return {
    release,
    worker: (options) => scriptedWorker(store, { id: 'w1', home: place.home, scripts, lease: LIVE_LEASE, ...options }),
    person: (event, actor = 'bob') => other.request(release, actor, event),
    told: async () => {
      const stored = await other.load(release);
      expect(checkChain(stored.entries)).toMatchObject({ verdict: 'pass' });
      return story(stored);
    },
  };
}

describe('a drive', () => {
  it('brings a release to its end, records each intent before its outcome, and seals once', async () => {
    const { release, worker, told } = await bench(THREE);
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

  it('is one driver at a time, however many try', async () => {
    let runs = 0;
    const { release, worker, told } = await bench([aStep('a.b')], { 'a.b': () => ((runs += 1), PASS) });
    const results = await Promise.all(['w1', 'w2', 'w3', 'w4'].map((id) => drive(worker({ id }), release)));
    expect(results.filter((result) => result === 'finished')).toHaveLength(1);
    expect(runs).toBe(1);
    expect((await told()).filter((line) => line.startsWith('step.intended'))).toHaveLength(1);
  });

  it.each<[string, Scripts[string], string]>([
    ['throws', () => Promise.reject(new Error('boom')), 'internal error: boom'],
    ['is out of time', untilStopped, 'told to stop'],
  ])('takes a step that %s for unknown, and goes back', async (_how, script, reason) => {
    const { release, worker, told } = await bench([aStep('change.world', { timeoutMs: 50 })], { 'change.world': script });
    expect(await drive(worker(), release)).toBe('finished');
    expect((await told()).slice(-5)).toEqual(['step.finished change.world unknown', 'rollback.started', 'step.intended rollback.world', 'step.finished rollback.world pass', 'release.finished rolled-back']);
    const outcome = (await store.load(release)).events.find((event) => event.type === 'step.finished');
    expect(outcome?.data).toMatchObject({ reason });
  });

  it('goes back when the plan holds a step kind that this build does not know', async () => {
    const { release, worker, told } = await bench([aStep('change.world'), aStep('verify.tomorrow', { kind: 'quantum-smoke' as Step['kind'] })]);
    expect(await drive(worker(), release)).toBe('finished');
    expect((await told()).slice(-5)).toEqual(['step.finished verify.tomorrow unknown', 'rollback.started', 'step.intended rollback.world', 'step.finished rollback.world pass', 'release.finished rolled-back']);
  });

  it('repeats a step until its window is over, and holds nothing while it waits', async () => {
    const { release, worker, told } = await bench([aStep('observe.window', { repeat: { everyMs: 300, forMs: 500 } })]);
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
    expect(await toRest(deps, release)).toBe('finished');
    expect((await told()).filter((line) => line === 'step.finished observe.window pass').length).toBeGreaterThan(2);
  });
});

describe('people', () => {
  it('abort from another process: the step that runs is stopped, and what it changed undone', async () => {
    const started = gate();
    const { release, worker, person, told } = await bench(THREE, {
      'change.world': async (context) => {
        started.open();
        void started.pass();
        return untilStopped(context);
      },
    });
    const driving = drive(worker(), release);
    await started.reached;
    await person(ask.abort);
    expect(await driving).toBe('finished');
    expect((await told()).slice(-6)).toEqual(['abort.requested', 'step.finished change.world unknown', 'rollback.started', 'step.intended rollback.world', 'step.finished rollback.world pass', 'release.finished rolled-back']);
  });

  it('abort in the moment between the intent and the step: the step is stopped all the same', async () => {
    const made = await bench(THREE, { 'change.world': untilStopped });
    let armed = 0;
    const at = (point: string): void => void (armed += point === 'command.intended' ? 1 : 0);
    const slow: ReleaseStore = {
      ...store,
      load: async (release) => {
        // The second command is change.world.
        if (armed === 2) {
          armed += 1;
          await made.person(ask.abort);
        }
        return store.load(release);
      },
    };
    expect(await drive({ ...made.worker({ at }), store: slow }, made.release)).toBe('finished');
    expect((await made.told()).at(-1)).toBe('release.finished rolled-back');
  });

  it('are heard between a decision and its intent: it is decided again', async () => {
    const made = await bench([aStep('change.world')]);
    let asked = false;
    const slow: ReleaseStore = {
      ...store,
      append: async (claim, events, size) => {
        if (!asked && events[0]?.type === 'step.intended') {
          asked = true;
          await made.person(ask.pause);
        }
        return store.append(claim, events, size);
      },
    };
    expect(await drive({ ...made.worker(), store: slow }, made.release)).toBe('parked');
    expect(await made.told()).toEqual(['lock.acquired', 'pause.requested']);
  });

  it('are heard between the decision to wait and the waiting', async () => {
    const made = await bench([aStep('a.b')]);
    await made.person(ask.pause);
    let asked = false;
    const slow: ReleaseStore = {
      ...store,
      park: async (...args) => {
        if (!asked) {
          asked = true;
          await made.person(ask.resume);
        }
        return store.park(...args);
      },
    };
    expect(await drive({ ...made.worker(), store: slow }, made.release)).toBe('finished');
  });

  it('pause: the step that runs ends, the next one waits for them', async () => {
    const doing = gate();
    const { release, worker, person, told } = await bench(THREE, { 'build.make': async () => (await doing.pass(), PASS) });
    const driving = drive(worker(), release);
    await doing.reached;
    await person(ask.pause);
    doing.open();
    expect(await driving).toBe('parked');
    expect(await told()).toEqual(['lock.acquired', 'step.intended build.make', 'pause.requested', 'step.finished build.make pass']);
    expect((await store.load(release)).summary.status).toBe('paused');
    await person(ask.resume);
    expect(await drive(worker({ id: 'w2' }), release)).toBe('finished');
    expect((await told()).at(-1)).toBe('release.finished released');
  });

  it('approve: as many as the step asks for, and never the one who wants the release', async () => {
    const { release, worker, person, told } = await bench([aStep('change.world', { approvals: 2 })]);
    for (const actor of ['ann', 'bob', 'bob']) {
      expect(await drive(worker(), release)).toBe('parked');
      await person(ask.approve, actor);
    }
    expect(await drive(worker(), release)).toBe('parked');
    expect((await told()).filter((line) => line.startsWith('step'))).toEqual([]);
    await person(ask.approve, 'eve');
    expect(await drive(worker(), release)).toBe('finished');
  });

  it('reject: it ends unchanged', async () => {
    const { release, worker, person, told } = await bench([aStep('change.world', { approvals: 1 })]);
    await drive(worker(), release);
    await person(ask.reject);
    expect(await drive(worker(), release)).toBe('finished');
    expect((await told()).at(-1)).toBe('release.finished unchanged');
  });

  it('order a rollback during a run: the step is stopped and everything undone', async () => {
    const started = gate();
    const { release, worker, person, told } = await bench(THREE, {
      'verify.smoke': async (context) => {
        void started.pass();
        return untilStopped(context);
      },
    });
    const driving = drive(worker(), release);
    await started.reached;
    await person(ask.rollback);
    expect(await driving).toBe('finished');
    expect((await told()).at(-1)).toBe('release.finished rolled-back');
  });

  it('do not stop the way back by asking twice', async () => {
    const undoing = gate();
    const { release, worker, person, told } = await bench(THREE, {
      'verify.smoke': () => FAIL,
      'rollback.world': async ({ signal }) => {
        await undoing.pass();
        return signal.aborted ? FAIL : PASS;
      },
    });
    const driving = drive(worker(), release);
    await undoing.reached;
    await person(ask.abort);
    await person(ask.rollback);
    undoing.open();
    expect(await driving).toBe('finished');
    expect((await told()).slice(-4)).toEqual(['abort.requested', 'rollback.requested', 'step.finished rollback.world pass', 'release.finished rolled-back']);
  });

  it('help a stuck release on, or accept it as it stands', async () => {
    for (const [help, end] of [
      [ask.resume, 'release.finished rolled-back'],
      [ask.accept, 'release.finished accepted'],
    ] as const) {
      let broken = true;
      const { release, worker, person, told } = await bench(THREE, { 'verify.smoke': () => FAIL, 'rollback.world': () => (broken ? FAIL : PASS) });
      expect(await drive(worker(), release)).toBe('parked');
      expect((await store.load(release)).summary.status).toBe('stuck');
      broken = false;
      await person(help);
      expect(await drive(worker(), release)).toBe('finished');
      expect((await told()).at(-1)).toBe(end);
    }
  });
});

describe('the deploy lock', () => {
  it('is handed from one release to the next that waits, which is woken', async () => {
    const first = await bench(THREE, { 'verify.smoke': () => PASS }, { service: 'queued' });
    await first.person(ask.pause);
    expect(await drive(first.worker(), first.release)).toBe('parked');
    const second = await bench([aStep('a.b')], {}, { service: 'queued' });
    expect(await drive(second.worker(), second.release)).toBe('parked');
    expect(await second.told()).toEqual(['lock.waiting']);
    // Woken for nothing: it goes back to sleep and writes nothing.
    expect(await drive(second.worker(), second.release)).toBe('parked');
    expect(await second.told()).toEqual(['lock.waiting']);
    expect(await store.lockOf('queued', 'dev')).toMatchObject({ release: first.release, owner: 'ann' });
    await first.person(ask.resume);
    expect(await drive(first.worker(), first.release)).toBe('finished');
    expect(await second.told()).toEqual(['lock.waiting', 'lock.acquired']);
    expect(await store.lockOf('queued', 'dev')).toMatchObject({ release: second.release });
    expect(await drive(second.worker(), second.release)).toBe('finished');
    expect(await store.lockOf('queued', 'dev')).toBeNull();
  });

  it('is not touched by a waiting release that is aborted', async () => {
    const first = await bench(THREE, {}, { service: 'busy' });
    await first.person(ask.pause);
    await drive(first.worker(), first.release);
    const second = await bench([aStep('a.b')], {}, { service: 'busy' });
    await drive(second.worker(), second.release);
    await second.person(ask.abort);
    expect(await drive(second.worker(), second.release)).toBe('finished');
    expect(await second.told()).toEqual(['lock.waiting', 'abort.requested', 'release.finished unchanged']);
    expect(await store.lockOf('busy', 'dev')).toMatchObject({ release: first.release });
  });
});

describe('a worker', () => {
  it('that loses its lease in the middle of a step stops it and records nothing more', async () => {
    const started = gate();
    const made = await bench(THREE, {
      'change.world': async (context) => {
        void started.pass();
        return untilStopped(context);
      },
    });
    const frozen = drive(made.worker({ id: 'frozen', lease: { ...LIVE_LEASE, renewMs: 50 } }), made.release);
    await started.reached;
    // To this store every other process of the host is dead.
    const heir = scriptedWorker(await anotherStore(() => false), { id: 'heir', home: place.home });
    expect(await drive(heir, made.release)).toBe('finished');
    expect(await frozen).toBe('not-mine');
    const { events } = await store.load(made.release);
    const claim = events.findLastIndex((event) => event.type === 'driver.claimed');
    expect(events[claim]?.data).toMatchObject({ driver: 'heir', takeover: true });
    expect(events.slice(claim).map((event) => event.actor)).not.toContain('frozen');
    expect(await made.told()).toEqual(expect.arrayContaining(['step.interrupted change.world', 'step.finished change.world pass', 'release.finished released']));
  });

  it('whose effect is refused by its fence gives up in silence', async () => {
    const { SlipwayError } = await import('../kernel/index.ts');
    const { release, worker, told } = await bench([aStep('a.b')], { 'a.b': () => Promise.reject(new SlipwayError('fenced', 'seen a later one')) });
    expect(await drive(worker(), release)).toBe('not-mine');
    expect(await told()).toEqual(['lock.acquired', 'step.intended a.b']);
  });

  it('starts no command once its lease may have ended', async () => {
    let started = 0;
    const made = await bench([aStep('a.b')], { 'a.b': async ({ effects }) => (await effects.exec({ argv: ['true'], cwd: '/', env: {}, timeoutMs: 1, logFile: '/dev/null', secrets: [] }), PASS) });
    let away = 0;
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + away };
    const deps = made.worker({ clock });
    const exec = async (): Promise<never> => {
      started += 1;
      throw new Error('started');
    };
    // The process stands still between the driver's last look at the lease and the command.
    const executors = { command: async (context: Parameters<NonNullable<DriverDeps['executors']['command']>>[0]) => ((away = 60_000), (await deps.executors.command?.(context)) ?? FAIL) };
    expect(await drive({ ...deps, executors, effects: { ...deps.effects, exec } }, made.release)).toBe('not-mine');
    expect(started).toBe(0);
  });

  it('that is told to stop ends its step and hands the release over, due at once', async () => {
    const doing = gate();
    const stop = new AbortController();
    const { release, worker, told } = await bench(THREE, { 'build.make': async () => (await doing.pass(), PASS) });
    const driving = drive(worker(), release, stop.signal);
    await doing.reached;
    stop.abort();
    doing.open();
    expect(await driving).toBe('parked');
    expect((await told()).at(-1)).toBe('step.finished build.make pass');
    expect((await store.load(release)).summary.driver).toBeNull();
    // Woken by the store itself, without a sweep.
    const next = await server.open(url, { lease: LIVE_LEASE });
    const successor = scriptedWorker(next.store, { id: 'w2', home: place.home });
    await next.wakeups.work(1, async (one) => void (await drive(successor, one)));
    await eventually('the next worker ends it', async () => (await store.load(release)).summary.sealed);
    await next.wakeups.stop();
    expect(await told()).not.toContain('step.interrupted build.make');
  });
});
