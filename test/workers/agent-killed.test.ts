import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkChain } from '../../src/evidence/index.ts';
import { processExists } from '../../src/store/index.ts';
import { examine, makeRig, type Findings, type Rig } from '../chaos/harness.ts';
import { eventually } from '../store/support.ts';
import { signalOne } from '../support/signal.ts';

/** Each release is hit once, at a step that was chosen; random instants are in test/chaos. */
describe('a release whose supports are killed', () => {
  let rig: Rig;
  beforeAll(async () => {
    // Still watched when the agent dies, however late that is.
    rig = await makeRig('5s');
    await rig.startAgent();
    await rig.ended(await rig.submit());
  }, 180_000);
  afterAll(() => rig.close(), 180_000);

  const load = (release: string) => rig.app.opened.store.load(release);
  const reached = (release: string, step: string) =>
    eventually(
      `the release is at ${step}`,
      async () => (await load(release)).events.find((event) => event.type === 'step.intended' && event.data.step === step),
      60_000,
    );
  const pidsOf = async (release: string, version: string): Promise<readonly (number | null)[]> => {
    const { service, environment } = (await load(release)).summary;
    const groups = await rig.app.deps.target.list(service, environment);
    return groups.filter((group) => group.spec.version === version).flatMap((group) => group.instances.map((one) => one.pid));
  };

  it('rests while the agent is dead, and goes on under the next one as if nothing had been', async () => {
    await rig.workspace.commit('versions/1.1.0', 'feat: prices and notes');
    const release = await rig.submit();
    await reached(release, 'deploy.start');
    const [agent, worker, before] = [await rig.agentPid(), await rig.workerPid(), await pidsOf(release, '1.0.0')];
    signalOne(agent);

    // The worker learns by its closed input that the agent is gone: it ends its step, hands over and ends.
    await eventually('the worker is gone', () => worker !== null && !processExists(worker));
    const { summary, events } = await load(release);
    expect(summary).toMatchObject({ driver: null, status: 'waiting' });
    expect(events.some((event) => event.type === 'rollback.started')).toBe(false);
    expect(before.length).toBeGreaterThan(0);
    expect(before.every((pid) => pid !== null && processExists(pid))).toBe(true);
    await expect(fetch(`${rig.workspace.url}/products`)).rejects.toThrow('fetch failed');

    await rig.startAgent();
    // The next agent routes again at once, before any worker has done anything.
    expect((await fetch(`${rig.workspace.url}/products`)).status).toBe(200);
    expect((await rig.ended(release)).outcome).toBe('released');
    await rig.settled();
    expect(await examine(rig, release)).toMatchObject<Partial<Findings>>({
      outcome: 'released',
      servedBy: 'open 1.1.0',
      keysTwice: [],
      passedTwice: [],
      pack: 'verified',
      strays: [],
    });
    // Adopted, not started again (of 1.0.0 only what takes requests stays warm).
    const after = await pidsOf(release, '1.0.0');
    expect(after.length).toBeGreaterThan(0);
    expect(before).toEqual(expect.arrayContaining([...after]));
  }, 180_000);

  it('loses nothing that was recorded when PostgreSQL is killed, and goes on', async () => {
    await rig.workspace.commit('versions/1.2.0', 'feat: customers');
    const release = await rig.submit();
    await reached(release, 'migrate.apply');
    const known = (await load(release)).entries.map(({ hash }) => hash);
    signalOne(rig.postmasterPid());
    // 1.2.0 is broken: the way back, database and all, is walked over the wreck.
    expect((await rig.ended(release)).outcome).toBe('rolled-back');
    const { entries } = await load(release);
    expect(entries.slice(0, known.length).map(({ hash }) => hash)).toEqual(known);
    expect(checkChain(entries)).toMatchObject({ verdict: 'pass' });
    await rig.settled();
    expect(await examine(rig, release)).toMatchObject<Partial<Findings>>({
      outcome: 'rolled-back',
      servedBy: 'open 1.1.0',
      keysTwice: [],
      passedTwice: [],
      pack: 'verified',
      strays: [],
    });
  }, 180_000);
});
