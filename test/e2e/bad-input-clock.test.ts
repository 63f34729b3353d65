import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApp, type App } from '../../src/cli/compose.ts';
import { loadConfig } from '../../src/config/index.ts';
import { systemClock, type Clock } from '../../src/kernel/index.ts';
import { drive, foldEvents, prepareRelease, type DriverDeps } from '../../src/release/index.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';

/** How far the clock is set back in all, in steps, one at every look. */
const BACK_MS = 3_000;
/** More than there is between two events on a busy machine, or it would not stand still. */
const STEP_MS = 100;
const WINDOW_MS = 300;
/** The agent's worker does not serve this node, so this test, with its clock, is the only one that drives. */
const NODE = 'elsewhere:/';

describe('a clock that is set back while a release runs', () => {
  let rig: SmallRig;
  let service: SmallService;
  let app: App;
  let store: OpenStore;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('clock');
    await service.commit('1.0.0');
    expectSaid(await service.slipway('release'), 0);
    app = await openApp({
      workspace: service.folder,
      environment: { PATH: process.env['PATH'], SLIPWAY_HOME: rig.home },
      log: () => undefined,
    });
    store = await openStore({
      home: rig.home,
      url: undefined,
      node: NODE,
      clock: falling(),
      lease: app.driver.lease,
      log: () => undefined,
    });
  }, 180_000);
  afterAll(async () => {
    await store.close();
    await app.close();
    await rig.close();
  }, 180_000);

  it('costs neither the order of the ledger nor a watch nor the release', async () => {
    await service.commit('1.1.0', { config: { observe: { window: `${WINDOW_MS}ms`, every: '100ms', because: 'a test' } } });
    const { definition, sha256 } = await loadConfig(service.folder);
    const release = app.effects.ids.release(systemClock.now());
    const plan = await prepareRelease(app.deps, {
      release,
      workspace: service.folder,
      definition,
      configSha256: sha256,
      version: null,
      requestedBy: 'ann',
      node: NODE,
      skips: {},
    });
    await store.store.submit({ plan, actor: 'ann', wait: false });
    const clock = falling();
    const deps: DriverDeps = { ...app.driver, store: store.store, effects: { ...app.effects, clock } };
    await until('the release is over', async () => (await drive(deps, release, new AbortController().signal)) === 'finished', 150_000);

    const { events } = await store.store.load(release);
    expect(foldEvents(events).outcome, JSON.stringify(events.at(-1)?.data)).toBe('released');
    const times = events.map(({ time }) => time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(times).size, 'the clock never stood still, so nothing was tested').toBeLessThan(times.length);
    const keys = events.flatMap((event) => (event.type === 'step.intended' ? [event.data.key] : []));
    expect(keys).toEqual([...new Set(keys)]);
    const watched = events
      .filter(({ type, data }) => type.startsWith('step.') && 'step' in data && data.step === 'observe.window')
      .map(({ time }) => time);
    expect(Math.max(...watched) - Math.min(...watched)).toBeGreaterThanOrEqual(WINDOW_MS);
    await expectUnharmed(service, '1.1.0');
  }, 180_000);
});

/** A clock that is a little further back at every look, until it has lost {@link BACK_MS}. */
function falling(): Clock {
  let back = 0;
  return {
    ...systemClock,
    now: () => {
      back = Math.min(BACK_MS, back + STEP_MS);
      return systemClock.now() - back;
    },
  };
}
