import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signalOne } from '../support/signal.ts';
import { examine, makeRig, type Findings, type Rig } from './harness.ts';

/** Kills per release; two releases make the fifty that the suite promises. */
const KILLS = 25;
/** Printed when a run fails; set it to see the same instants again. */
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);

/**
 * `kill -9` at random instants while the demo's releases run: mostly of the runner, sometimes of the agent with it, and of
 * PostgreSQL. What is killed comes back, and the release goes on.
 */
describe(`kill -9 at random instants (CHAOS_SEED=${SEED})`, () => {
  let rig: Rig;
  const random = seeded(SEED);
  beforeAll(async () => {
    rig = await makeRig();
    await rig.startAgent();
    await rig.firstRelease();
  }, 180_000);
  afterAll(() => rig.close(), 180_000);

  it('finishes the good release', async () => {
    await rig.workspace.commit('versions/1.1.0', 'feat: prices and notes');
    const found = await releaseUnderKills(rig, random);
    expect(found, found.failed.join('\n')).toMatchObject<Partial<Findings>>({
      outcome: 'released',
      cause: null,
      servedBy: 'open 1.1.0',
      running: ['1.0.0 api ready', '1.1.0 api ready', '1.1.0 worker ready'],
      keysTwice: [],
      passedTwice: [],
      pack: 'verified',
      strays: [],
    });
    expect(found.migrations).toHaveLength(4);
  }, 400_000);

  it('undoes the broken release, database included', async () => {
    await rig.workspace.commit('versions/1.2.0', 'feat: customers');
    const found = await releaseUnderKills(rig, random);
    expect(found, found.failed.join('\n')).toMatchObject<Partial<Findings>>({
      outcome: 'rolled-back',
      servedBy: 'open 1.1.0',
      running: ['1.1.0 api ready', '1.1.0 worker ready'],
      keysTwice: [],
      passedTwice: [],
      pack: 'verified',
      strays: [],
    });
    expect(found.migrations).toHaveLength(4);
    expect(found.columns).toContain('customer');
  }, 400_000);
});

async function releaseUnderKills(rig: Rig, random: () => number): Promise<Findings> {
  const release = await rig.submit();
  const over = new AbortController();
  const end = rig.ended(release).finally(() => over.abort());
  for (let kill = 0; kill < KILLS && !over.signal.aborted; kill++) {
    await sleep(100 + random() * 900);
    if (!over.signal.aborted) await killSomething(rig, random());
  }
  const state = await end;
  // The last kill may have taken the agent; what is examined runs under one.
  await rig.startAgent();
  expect(state.stuck).toBeNull();
  await rig.settled();
  return examine(rig, release);
}

async function killSomething(rig: Rig, dice: number): Promise<void> {
  if (dice < 0.1) {
    kill(rig.postmasterPid());
  } else if (dice < 0.2) {
    kill(await rig.agentPid());
    await rig.startAgent();
  } else {
    kill(await rig.workerPid());
  }
}

function kill(pid: number | null): void {
  try {
    if (pid !== null) signalOne(pid);
  } catch {
    // It was gone already: between two lives.
  }
}

/** Mulberry32: small, seedable, good enough to choose instants. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
