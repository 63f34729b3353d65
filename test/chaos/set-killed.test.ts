import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foldEvents, type ReleaseStore, type StoredRelease } from '../../src/release/index.ts';
import { agentPid, workerPid } from '../e2e/support/agent.ts';
import { expectSaid } from '../e2e/support/expect.ts';
import { makeSmallRig, until, type SmallRig } from '../e2e/support/small-service.ts';
import { makeSmallSet, type SmallSet } from '../e2e/support/small-set.ts';
import { signalOne } from '../support/signal.ts';
import { sharedServer, type SharedServer } from '../workers/processes.ts';

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js');

/** Where a worker dies, once each time it is armed: before a meeting is answered, after users were moved, after others were called back. */
const POINTS = ['companions.intended', 'route.acted', 'recall.acted'] as const;

/** Two services on a PostgreSQL of their own, with two workers that die at fault points; and then everything else does. */
describe('a set among kill -9', () => {
  const once = mkdtempSync(join(tmpdir(), 'slipway-set-once-'));
  let server: SharedServer;
  let store: ReleaseStore;
  let rig: SmallRig;
  let set: SmallSet;
  let second: ChildProcess;
  let environment: Readonly<Record<string, string>>;

  beforeAll(async () => {
    POINTS.forEach((point) => writeFileSync(join(once, point), ''));
    server = await sharedServer();
    store = server.store;
    const faults = { SLIPWAY_FAULT_AT: POINTS.join(','), SLIPWAY_FAULT_ONCE: once };
    rig = await makeSmallRig({ variables: { SLIPWAY_DATABASE_URL: server.url, SLIPWAY_LEASE_MS: '3000', ...faults } });
    environment = { SLIPWAY_DATABASE_URL: server.url, SLIPWAY_LEASE_MS: '3000', SLIPWAY_HOME: rig.home, SLIPWAY_ACTOR: 'ann', ...faults };
    set = await makeSmallSet(rig);
    await set.commit('1.0.0', { order: 'in-turn' });
    expectSaid(await set.whole.slipway('release'), 0);
    second = startCli({}, 'worker');
  }, 180_000);
  afterAll(async () => {
    second.kill('SIGKILL');
    await rig.close();
    await server.stop();
    rmSync(once, { recursive: true });
  }, 180_000);

  /** A command of ours that can be killed. */
  const startCli = (variables: NodeJS.ProcessEnv, ...args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [MAIN, '-C', set.whole.folder, ...args], {
      env: { ...process.env, ...environment, ...variables },
      stdio: 'ignore',
    });
  /** New workers count their fault points anew, and each point strikes whoever comes there first. */
  const arm = async (...points: readonly string[]): Promise<void> => {
    const worker = await workerPid(rig.home);
    signalOne(worker);
    second.kill('SIGKILL');
    second = startCli({}, 'worker');
    await until('there is a new worker', async () => (await workerPid(rig.home)) !== worker);
    points.forEach((point) => rmSync(join(once, point)));
  };
  const newest = async (): Promise<readonly StoredRelease[]> => {
    const recent = await store.list({ limit: 2 });
    return Promise.all(recent.map(({ release }) => store.load(release)));
  };
  const begun = (step: string, service: string) => async (): Promise<boolean> =>
    (await newest()).some(
      ({ summary, events }) =>
        summary.service === service && events.some((event) => event.type === 'step.intended' && event.data.step === step),
    );
  /** Both are over, in one way and on one side, with evidence. */
  const expectWhole = async (outcome: string, version: string): Promise<void> => {
    await until('both are sealed', async () => (await newest()).every(({ summary }) => summary.sealed), 60_000);
    const ended = (await newest()).map(({ events }) => foldEvents(events).outcome);
    expect(ended, await hitches()).toEqual([outcome, outcome]);
    expect(await set.served()).toEqual([version, version]);
  };
  /** Every step that did not pass at once, for whoever has to understand a failure. */
  const hitches = async (): Promise<string> =>
    (await newest())
      .flatMap(({ summary, events }) =>
        events.flatMap(({ type, data }) =>
          type === 'step.finished' && data.verdict !== 'pass' ? [`${summary.service} ${data.step} ${data.verdict}: ${data.reason}`] : [],
        ),
      )
      .join('\n');
  it('of a worker, at a meeting and after users were moved, is released', async () => {
    await set.commit('1.1.0', { order: 'in-turn' });
    await arm('companions.intended', 'route.acted');
    expectSaid(await set.whole.slipway('release', '--detach'), 0);
    await expectWhole('released', '1.1.0');
  }, 180_000);

  it('of a worker while it calls the others back, and of the agent with the router while they go, is back', async () => {
    await set.commit('1.2.0', { order: 'in-turn', web: { failsForUsers: true } });
    await arm('recall.acted');
    expectSaid(await set.whole.slipway('release', '--detach'), 0);
    await until('api goes back', begun('rollback.companions', 'api'), 60_000);
    signalOne(await agentPid(rig.home));
    expectSaid(await set.whole.slipway('agent', 'start'), 0);
    await expectWhole('rolled-back', '1.1.0');
  }, 180_000);

  it('of the command that drives it, at a meeting, is released by whoever is left', async () => {
    await set.commit('1.3.0', { order: 'together' });
    const cli = startCli({ SLIPWAY_FAULT_AT: '' }, 'release', '--worker', 'here');
    await until('a service waits for the other', begun('deploy.companions', 'api'), 60_000);
    cli.kill('SIGKILL');
    await expectWhole('released', '1.3.0');
  }, 180_000);

  it('of both workers and the agent while a released set is taken back, is back', async () => {
    expectSaid(await set.whole.slipway('rollback', '--detach'), 0);
    await until('users are moved', begun('deploy.switch', 'web'), 60_000);
    second.kill('SIGKILL');
    signalOne(await agentPid(rig.home));
    expectSaid(await set.whole.slipway('agent', 'start'), 0);
    await expectWhole('released', '1.1.0');
  }, 180_000);

  it('was driven by several workers', async () => {
    expect(readdirSync(once).toSorted()).toEqual([...POINTS].toSorted());
    const all = await Promise.all((await store.list({ limit: 10 })).map(({ release }) => store.load(release)));
    const claims = all.flatMap(({ events }) => events.flatMap(({ type, data }) => (type === 'driver.claimed' ? [data] : [])));
    // Whoever died at one of them had it taken over.
    expect(claims.filter(({ takeover }) => takeover).length).toBeGreaterThanOrEqual(POINTS.length);
    expect(new Set(claims.map(({ driver }) => driver)).size).toBeGreaterThan(POINTS.length);
  });
});
