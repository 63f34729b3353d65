import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../src/kernel/index.ts';
import { agentStatus } from '../src/server/index.ts';
import { openStore, type OpenStore } from '../src/store/index.ts';
import type { ReleaseEvent } from '../src/release/index.ts';
import { makeSmallRig, type SmallService } from '../test/e2e/support/small-service.ts';
import type { BenchResult } from './result.ts';
import { spread } from './stats.ts';

const ROUNDS = 5;
const WITHIN_MS = 60_000;

/** How soon a release goes on when its worker is killed with -9 in the middle of a step; the agent starts the next one. */
export async function benchResume(): Promise<BenchResult> {
  const rig = await makeSmallRig();
  try {
    const service = await rig.service('bench');
    await submit(service, '1.0.0');
    const store = await openStore({
      home: rig.home,
      node: 'bench:/state',
      clock: systemClock,
      lease: { leaseMs: 15_000, renewMs: 3_000, marginMs: 3_000 },
    });
    const rounds: Resumed[] = [];
    try {
      for (let round = 1; round <= ROUNDS; round++) {
        await submit(service, `1.${round}.0`, '--detach');
        rounds.push(await killAndWait(store, rig.home, await store.store.resolve('latest')));
      }
    } finally {
      await store.close();
    }
    return {
      name: 'resume',
      unit: 'ms from kill -9 of the worker',
      rows: [
        { subject: 'next event in the ledger (driver.claimed)', figures: spread(rounds.map(({ event }) => event)) },
        { subject: 'the step that was cut off runs again', figures: spread(rounds.map(({ step }) => step)) },
      ],
      notes: [
        `${ROUNDS} releases killed in the middle of their test command, real agent; includes the start of the new worker process; each release then ended \`released\``,
      ],
    };
  } finally {
    await rig.close();
  }
}

async function submit(service: SmallService, version: string, ...args: readonly string[]): Promise<void> {
  await service.commit(version, { config: { test: 'sleep 1' } });
  const { exit, said } = await service.slipway('release', ...args);
  if (exit !== 0) throw new Error(said);
}

interface Resumed {
  readonly event: number;
  readonly step: number;
}

async function killAndWait({ store }: OpenStore, home: string, release: string): Promise<Resumed> {
  const events = async (): Promise<readonly ReleaseEvent[]> => (await store.load(release)).events;
  const isTest = (event: ReleaseEvent): boolean => event.type === 'step.intended' && event.data.step === 'test.run';
  await until(async () => (await events()).some(isTest));
  const pid = (await agentStatus(home))?.worker?.pid ?? null;
  if (pid === null) throw new Error('The agent has no worker');
  const size = (await events()).length;
  const killedAt = Date.now();
  process.kill(pid, 'SIGKILL');
  await until(async () => (await store.load(release)).summary.sealed);
  const after = (await events()).slice(size);
  const again = after.find(isTest);
  const last = after.at(-1);
  if (again === undefined || last?.type !== 'release.finished' || last.data.outcome !== 'released')
    throw new Error(`The release did not go on as it should: ${JSON.stringify(after)}`);
  return { event: (after[0]?.time ?? Number.NaN) - killedAt, step: again.time - killedAt };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + WITHIN_MS; !(await holds()); await delay(20)) {
    if (performance.now() > end) throw new Error(`Waited ${WITHIN_MS / 1_000} s in vain`);
  }
}
