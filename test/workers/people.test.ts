import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drive, type ReleaseStore } from '../../src/release/index.ts';
import { openBench, THREE, type Bench } from './bench.ts';
import { ask, aStep, FAIL, gate, PASS, untilStopped } from './rig.ts';

let bench: Bench;
let store: Bench['store'];
beforeAll(async () => {
  bench = await openBench();
  store = bench.store;
});
afterAll(() => bench.stop());

describe('people', () => {
  it('abort from another process: the step that runs is stopped, and what it changed undone', async () => {
    const started = gate();
    const { release, worker, person, told } = await bench.release(THREE, {
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
    expect((await told()).slice(-6)).toEqual([
      'abort.requested',
      'step.finished change.world unknown',
      'rollback.started',
      'step.intended rollback.world',
      'step.finished rollback.world pass',
      'release.finished rolled-back',
    ]);
  });

  it('abort in the moment between the intent and the step: the step is stopped all the same', async () => {
    const made = await bench.release(THREE, { 'change.world': untilStopped });
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
    const made = await bench.release([aStep('change.world')]);
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
    const made = await bench.release([aStep('a.b')]);
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
    const { release, worker, person, told } = await bench.release(THREE, { 'build.make': async () => (await doing.pass(), PASS) });
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
    const { release, worker, person, told } = await bench.release([aStep('change.world', { approvals: 2 })]);
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
    const { release, worker, person, told } = await bench.release([aStep('change.world', { approvals: 1 })]);
    await drive(worker(), release);
    await person(ask.reject);
    expect(await drive(worker(), release)).toBe('finished');
    expect((await told()).at(-1)).toBe('release.finished unchanged');
  });

  it('order a rollback during a run: the step is stopped and everything undone', async () => {
    const started = gate();
    const { release, worker, person, told } = await bench.release(THREE, {
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
    const { release, worker, person, told } = await bench.release(THREE, {
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
    expect((await told()).slice(-4)).toEqual([
      'abort.requested',
      'rollback.requested',
      'step.finished rollback.world pass',
      'release.finished rolled-back',
    ]);
  });

  it('help a stuck release on, or accept it as it stands', async () => {
    for (const [help, end] of [
      [ask.resume, 'release.finished rolled-back'],
      [ask.accept, 'release.finished accepted'],
    ] as const) {
      let broken = true;
      const { release, worker, person, told } = await bench.release(THREE, {
        'verify.smoke': () => FAIL,
        'rollback.world': () => (broken ? FAIL : PASS),
      });
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
    const first = await bench.release(THREE, { 'verify.smoke': () => PASS }, { service: 'queued' });
    await first.person(ask.pause);
    expect(await drive(first.worker(), first.release)).toBe('parked');
    const second = await bench.release([aStep('a.b')], {}, { service: 'queued' });
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
    const first = await bench.release(THREE, {}, { service: 'busy' });
    await first.person(ask.pause);
    await drive(first.worker(), first.release);
    const second = await bench.release([aStep('a.b')], {}, { service: 'busy' });
    await drive(second.worker(), second.release);
    await second.person(ask.abort);
    expect(await drive(second.worker(), second.release)).toBe('finished');
    expect(await second.told()).toEqual(['lock.waiting', 'abort.requested', 'release.finished unchanged']);
    expect(await store.lockOf('busy', 'dev')).toMatchObject({ release: first.release });
  });
});
