import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FlagStore, FlagTelemetry } from '../../src/flags/index.ts';
import { systemClock, SlipwayError, type Clock, type JsonObject } from '../../src/kernel/index.ts';
import type { Plan, ReleaseEvent, StepDeps } from '../../src/release/index.ts';
import type { StepContext } from '../../src/release/ports.ts';
import { snapshotFlags } from '../../src/release/carried-flags/snapshot.ts';
import { flagsOffStep } from '../../src/release/steps/flags-off.ts';
import type { OpenStore } from '../../src/store/index.ts';
import { embeddedServer, type TestServer } from '../store/support.ts';
import { aDefinition } from '../support/definition.ts';
import { OFF_FLAG } from '../support/flag.ts';
import { aPlan } from '../support/plan.ts';

let server: TestServer;
let store: OpenStore;
beforeAll(async () => {
  server = await embeddedServer();
  store = await server.open(await server.newDatabase());
});
afterAll(() => server.stop());

let count = 0;

/** An environment of its own, with a flag that is on for everybody. */
async function withFlag(key = 'release_checkout'): Promise<{ readonly environment: string; readonly plan: Plan }> {
  const environment = `env-${(count += 1)}`;
  const after = { ...OFF_FLAG, enabled: true, default: { variant: 'on' } };
  await store.flags.commit({
    environment,
    actor: 'ann',
    reason: 'on',
    action: 'create',
    acknowledge: false,
    writes: [{ kind: 'flag', key, revision: null, after }],
  });
  return { environment, plan: aPlan({ definition: aDefinition({ environment, flags: [key] }), previous: null }) };
}

async function turnOnAgain(environment: string): Promise<void> {
  const { set, flagRevisions } = await store.flags.read(environment);
  const writes = Object.entries(set.flags).map(([key, flag]) => {
    return { kind: 'flag', key, revision: flagRevisions.get(key) ?? null, after: { ...flag, enabled: true } } as const;
  });
  await store.flags.commit({ environment, actor: 'ann', reason: 'on again', action: 'change', acknowledge: false, writes });
}

/** A clock on which sleeping takes no time, for those who wait for what never comes. */
const quick: Clock = { ...systemClock, sleep: async (ms, signal) => systemClock.sleep(Math.min(ms, 200), signal) };

/** On this one waiting is over after a few looks; a store that answers has all the time it needs. */
function hasty(): Clock {
  let at = 0;
  return { ...systemClock, monotonic: () => (at += 500), sleep: async (ms, signal) => systemClock.sleep(ms > 1_000 ? ms : 1, signal) };
}

/** The store has all the time it needs to write, and from then on sleeping takes no time. */
function quickOnceWritten(): Parts {
  let isWritten = false;
  const commit: FlagStore['commit'] = async (change) => {
    const done = await store.flags.commit(change);
    isWritten = true;
    return done;
  };
  const clock: Clock = { ...systemClock, sleep: (ms, signal) => (isWritten ? quick : systemClock).sleep(ms, signal) };
  return { flags: { ...store.flags, commit }, clock };
}

interface Parts {
  readonly flags?: FlagStore;
  readonly telemetry?: FlagTelemetry;
  readonly events?: readonly ReleaseEvent[];
  readonly shared?: readonly string[];
  readonly clock?: Clock;
}

/** Runs the step as the driver does. */
async function turnOff(
  plan: Plan,
  { flags = store.flags, telemetry = store.telemetry, events = [], shared = [], clock = systemClock }: Parts = {},
) {
  const [step] = plan.flagsOff ?? [];
  if (step === undefined) throw new Error('The plan turns nothing off');
  const context = {
    plan,
    step: { ...step, input: { ...step.input, shared: [...shared] } },
    key: `${plan.release}/rollback.flags-off/1`,
    events,
    signal: new AbortController().signal,
    effects: { clock },
  } as unknown as StepContext;
  return flagsOffStep({ flags, telemetry } as unknown as StepDeps)(context);
}

const enabled = async (environment: string) => (await store.flags.read(environment)).set.flags['release_checkout']?.enabled;

describe('flags on the way back', () => {
  it('are off for everybody, and what they were is recorded', async () => {
    const { environment, plan } = await withFlag();
    const outcome = await turnOff(plan);
    expect(outcome).toMatchObject({
      verdict: 'pass',
      reason: expect.stringContaining('release_checkout is off now'),
      facts: { changed: true, turnedOff: [{ flag: 'release_checkout', before: { enabled: true }, after: { enabled: false } }] },
    });
    expect(await enabled(environment)).toBe(false);
    const [change] = await store.flags.history(environment, { limit: 1 });
    expect(change).toMatchObject({ actor: `release ${plan.release}`, action: 'release', acknowledge: true });
    expect(change?.reason).toBe(`${plan.service} ${plan.version} goes back (${plan.release}/rollback.flags-off/1)`);
    await turnOnAgain(environment);
    // A rollback by hand is of the version that it goes to.
    await turnOff({ ...plan, kind: 'rollback' });
    const [byHand] = await store.flags.history(environment, { limit: 1 });
    expect(byHand?.reason).toContain(`${plan.service} goes back to ${plan.version} (`);
  });

  it('are turned off once, however often the step runs', async () => {
    const { environment, plan } = await withFlag();
    await turnOff(plan);
    expect(await turnOff(plan)).toMatchObject({ verdict: 'pass', facts: { changed: false, turnedOff: [] } });
    expect(await store.flags.history(environment, { limit: 10 })).toHaveLength(2);
  });

  it('are off although somebody changes them at the same time, and that change stays', async () => {
    const { environment, plan } = await withFlag();
    let rivals = 3;
    const commit: FlagStore['commit'] = async (change) => {
      if ((rivals -= 1) > 0) {
        const { set, flagRevisions } = await store.flags.read(environment);
        const flag = set.flags['release_checkout'] ?? OFF_FLAG;
        const after = { ...flag, about: { ...flag.about, name: `rival ${rivals}` } };
        const revision = flagRevisions.get('release_checkout') ?? null;
        await store.flags.commit({
          ...change,
          actor: 'bob',
          action: 'change',
          writes: [{ kind: 'flag', key: 'release_checkout', revision, after }],
        });
      }
      return store.flags.commit(change);
    };
    expect(await turnOff(plan, { flags: { ...store.flags, commit } })).toMatchObject({ verdict: 'pass' });
    expect((await store.flags.read(environment)).set.flags['release_checkout']).toMatchObject({
      enabled: false,
      about: { name: 'rival 1' },
    });
  });

  it('that cannot be written are told, to be tried again; the others are off all the same', async () => {
    const { environment, plan: one } = await withFlag();
    const plan = {
      ...one,
      flagsOff: one.flagsOff?.map((step) => ({ ...step, input: { flags: ['release_checkout', 'release_search'], shared: [] } })),
    } as Plan;
    const after = { ...OFF_FLAG, enabled: true, default: { variant: 'on' } };
    await store.flags.commit({
      environment,
      actor: 'ann',
      reason: 'on',
      action: 'create',
      acknowledge: false,
      writes: [{ kind: 'flag', key: 'release_search', revision: null, after }],
    });
    const commit: FlagStore['commit'] = async (change) => {
      if (change.writes[0]?.key === 'release_search') throw new SlipwayError('store_unreachable', 'The store did not answer');
      return store.flags.commit(change);
    };
    expect(await turnOff(plan, { flags: { ...store.flags, commit } })).toMatchObject({
      verdict: 'unknown',
      retry: true,
      reason: expect.stringMatching(
        /release_checkout is off now; release_search could NOT be turned off .*slipway flag kill release_search/,
      ),
    });
    expect(await enabled(environment)).toBe(false);
  });

  it('hold nothing when the store does not answer at all', async () => {
    const { plan } = await withFlag();
    const read: FlagStore['read'] = () => new Promise(() => undefined);
    expect(await turnOff(plan, { flags: { ...store.flags, read }, clock: quick })).toMatchObject({ verdict: 'unknown', retry: true });
  });

  it('are not written later, by what was given up', async () => {
    const { environment, plan } = await withFlag();
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const read: FlagStore['read'] = async (name) => {
      await answered;
      return store.flags.read(name);
    };
    const commit = vi.fn(store.flags.commit);
    expect(await turnOff(plan, { flags: { ...store.flags, read, commit }, clock: quick })).toMatchObject({ verdict: 'unknown' });
    answer();
    // What was given up reads first, on the same store.
    await store.flags.read(environment);
    await store.flags.read(environment);
    expect(commit).not.toHaveBeenCalled();
  });

  it('hold nothing when the store is gone while clients are waited for', async () => {
    const { plan } = await withFlag();
    const reach: FlagTelemetry['reach'] = () => new Promise(() => undefined);
    expect(await turnOff(plan, { telemetry: { ...store.telemetry, reach }, ...quickOnceWritten() })).toMatchObject({
      verdict: 'pass',
      reason: expect.stringContaining('which clients have it is not known'),
    });
  });

  it('wait a moment for clients, and not for those that do not answer', async () => {
    const { plan } = await withFlag();
    const reach: FlagTelemetry['reach'] = async (environment) => [
      {
        environment,
        process: 'p',
        history: 'h',
        inMemory: 0,
        connected: 3,
        seq: 99,
        acknowledged: 2,
        p50Ms: null,
        p99Ms: null,
        lastMs: null,
        stale: [],
        host: null,
        pid: null,
        silent: null,
        ended: null,
      },
    ];
    expect(await turnOff(plan, { telemetry: { ...store.telemetry, reach }, clock: hasty() })).toMatchObject({
      verdict: 'pass',
      reason: expect.stringContaining('2 of 3 connected clients'),
    });
  });

  it('tell of clients whose server process ended a moment ago, whether or not another one runs', async () => {
    const { environment, plan } = await withFlag();
    const { history } = await store.flags.read(environment);
    const says = async (process: string, connected: number, seq: number): Promise<void> => {
      await store.telemetry.present({ process, limitMs: 600_000 });
      const counts = { inMemory: seq, connected, seq, acknowledged: connected, p50Ms: null, p99Ms: null, lastMs: null, stale: [] };
      await store.telemetry.report({ environment, process, history, ...counts });
    };
    // What the clients of these said that they have is older than the change to come.
    for (const process of ['one', 'two']) {
      await says(process, 3, 1);
      await store.telemetry.leave(process);
    }
    const lost = '6 clients of server processes that ended a moment ago may be without it';
    expect((await turnOff(plan, { clock: hasty() })).reason).toBe(
      `release_checkout is off now; which clients have it is not known: no \`slipway serve\` tells; ${lost}`,
    );
    await turnOnAgain(environment);
    await says('three', 4, 9);
    expect((await turnOff(plan, { clock: hasty() })).reason).toBe(
      `release_checkout is off now; 4 of 4 connected clients say that they have it; ${lost}`,
    );
    await store.telemetry.leave('three');
  });

  it('that were on before the release, for the old version too, stay as they are', async () => {
    const { environment, plan } = await withFlag();
    const flags = await snapshotFlags({ flags: store.flags }, plan);
    const seen = {
      type: 'step.finished',
      data: { step: 'preflight.checks', stage: 'preflight', facts: { flags } as unknown as JsonObject },
    } as unknown as ReleaseEvent;
    expect(await turnOff(plan, { events: [seen], shared: ['release_checkout'] })).toMatchObject({
      verdict: 'pass',
      reason: expect.stringContaining('stays on'),
    });
    expect(await enabled(environment)).toBe(true);
    await turnOff(plan, { events: [seen] });
    expect(await enabled(environment)).toBe(false);
  });
});
