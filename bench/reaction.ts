import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeSmallRig, until, type SmallRig, type SmallService } from '../test/e2e/support/small-service.ts';
import { sendUsers, type Users } from '../test/e2e/support/users.ts';
import type { BenchResult } from './result.ts';
import { spread } from './stats.ts';

const ROUNDS = 5;
const PER_SECOND = 200;
/** How long the canary is good before it turns bad. */
const GOOD_REQUESTS = 10 * PER_SECOND;

const CONFIG = {
  strategy: { name: 'canary', because: 'a bench', schedule: [{ weight: '5%', for: '10m' }] },
  rollback: { within: '20s', warm: '100ms' },
};

/** What users met of one canary that turned bad. */
interface Reaction {
  /** From the first failure a user saw to the route being back, by the ledger. */
  readonly backMs: number;
  readonly failed: number;
  /** Between the first and the last failure a user saw. */
  readonly failingMs: number;
}

interface Shown {
  readonly stages: readonly {
    readonly steps: readonly { readonly id: string; readonly attempt: number; readonly finishedAt: string | null }[];
  }[];
  readonly outcome: string | null;
}

type RouterName = 'embedded' | 'haproxy';

/**
 * A canary at 5 % of 200 requests per second that fails every second request from one moment on: how soon everybody is back on the
 * old version, and how many requests failed. Everything is real: agent, worker, PostgreSQL, default judge and the router, the embedded one and,
 * where it is installed, HAProxy.
 */
export async function benchReaction(): Promise<readonly BenchResult[]> {
  const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;
  const results = [await behind('embedded')];
  if (hasHaproxy) results.push(await behind('haproxy'));
  return results;
}

async function behind(router: RouterName): Promise<BenchResult> {
  const rig = await makeSmallRig();
  try {
    return resultOf(router, await reactionsIn(rig, router));
  } finally {
    await rig.close();
  }
}

async function reactionsIn(rig: SmallRig, router: RouterName): Promise<readonly Reaction[]> {
  const service = await rig.service('reaction');
  await service.commit('1.0.0', { config: CONFIG });
  await service.slipway('agent', 'start', '--router', router);
  await service.slipway('release');
  const users = sendUsers(service.port, PER_SECOND);
  try {
    await until('there is a percentile', () => users.met().requests > 1_500, 60_000);
    const reactions: Reaction[] = [];
    for (let round = 1; round <= ROUNDS; round++)
      reactions.push(await turnBad(service, users, { round, file: join(rig.folder, `bad-${round}`) }));
    return reactions;
  } finally {
    await users.stop();
  }
}

function resultOf(router: RouterName, reactions: readonly Reaction[]): BenchResult {
  const failed = reactions.map((one) => one.failed);
  return {
    name: `reaction (${router})`,
    unit: 'ms',
    rows: [
      { subject: 'first failure to everybody on the old version', figures: spread(reactions.map(({ backMs }) => backMs)) },
      { subject: 'first to last failure users saw', figures: spread(reactions.map(({ failingMs }) => failingMs)) },
      { subject: 'failed requests (not ms)', figures: spread(failed, 'requests') },
    ],
    notes: [
      `${ROUNDS} canaries at 5 % of ${PER_SECOND} requests per second through the ${router} router, default judge; each turned from 0 to 50 % bad`,
      'targets: 2,000 ms and 10 failed requests',
    ],
  };
}

async function turnBad(
  service: SmallService,
  users: Users,
  { round, file }: { readonly round: number; readonly file: string },
): Promise<Reaction> {
  await service.commit(`1.${round}.0`, { config: CONFIG, behaviour: { failsEvery: 2, failsWhile: file } });
  await service.slipway('release', '--detach');
  await until('the canary is judged', async () => ((await stepOf(service, 'deploy.judge-5'))?.attempt ?? 0) > 0, 60_000);
  users.forget();
  await until('it has been good for a while', () => users.met().requests > GOOD_REQUESTS, 60_000);
  writeFileSync(file, '');
  await until('it is taken back', async () => (await shown(service)).outcome === 'rolled-back', 60_000);
  const { failed, firstFailedAt, lastFailedAt } = users.met();
  const backAt = Date.parse((await stepOf(service, 'rollback.open-old'))?.finishedAt ?? '');
  rmSync(file);
  return {
    failed,
    backMs: backAt - (firstFailedAt ?? Number.NaN),
    failingMs: (lastFailedAt ?? Number.NaN) - (firstFailedAt ?? Number.NaN),
  };
}

async function shown(service: SmallService): Promise<Shown> {
  return JSON.parse((await service.slipway('show', '--json')).stdout) as Shown;
}

async function stepOf(service: SmallService, id: string): Promise<Shown['stages'][number]['steps'][number] | undefined> {
  return (await shown(service)).stages.flatMap(({ steps }) => steps).find((step) => step.id === id);
}
