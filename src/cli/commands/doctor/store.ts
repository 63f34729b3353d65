import { ERRORS, messageOf, SlipwayError, toIso, type Check } from '../../../kernel/index.ts';
import { agentStatus } from '../../../server/index.ts';
import type { App } from '../../compose.ts';
import { withAppNow } from '../shared/app.ts';
import type { Call } from '../spec.ts';
import { checkMetricSources } from './metrics.ts';
import { checkServing, checkSet } from './serving.ts';

const RECENT = 500;

/** The store answers, and every lock has somebody who works for it. */
export async function checkStore(call: Call): Promise<readonly Check[]> {
  try {
    return await withAppNow(call, async (app) => [
      await checkHealth(app),
      ...(await checkLocks(app)),
      ...(await checkServing(app)),
      ...(await checkSet(call, app)),
      ...(await checkMetricSources(app)),
    ]);
  } catch (error) {
    return [{ name: 'store', verdict: error instanceof SlipwayError ? 'fail' : 'unknown', reason: messageOf(error), fix: fixOf(error) }];
  }
}

function fixOf(error: unknown): string {
  if (!(error instanceof SlipwayError)) return 'Run this again with SLIPWAY_LOG=debug and report it.';
  // Which sends people here.
  if (error.hint === ERRORS.store_unreachable.hint)
    return 'Look whether the PostgreSQL that SLIPWAY_DATABASE_URL names runs, and whether this machine has a way to it.';
  return error.hint;
}

async function checkHealth({ opened }: App): Promise<Check> {
  const { server, embedded, notifications, roundTripMs } = await opened.health();
  const kind = embedded ? `embedded PostgreSQL in ${opened.embedded?.dataDirectory ?? ''}` : 'PostgreSQL of SLIPWAY_DATABASE_URL';
  const told = notifications ? 'notifications work' : 'notifications were not needed yet';
  return { name: 'store', verdict: 'pass', reason: `${kind}, version ${server}, round trip ${roundTripMs.toFixed(1)} ms, ${told}` };
}

/** A lock held by a release that nobody drives blocks everybody else. */
async function checkLocks({ opened, places }: App): Promise<readonly Check[]> {
  const unfinished = (await opened.store.list({ limit: RECENT })).filter(({ finishedAt }) => finishedAt === null);
  const worked = ((await agentStatus(places.home))?.worker ?? null) !== null;
  const checks = await Promise.all(
    unfinished.map(async (one): Promise<readonly Check[]> => {
      const lock = await opened.store.lockOf(one.service, one.environment);
      if (lock?.release !== one.release) return [];
      const reason = `${one.service}/${one.environment} is held by release ${one.release} (${one.status}) of ${lock.owner} on ${lock.host} since ${toIso(lock.since)}`;
      if (one.status === 'stuck')
        return [{ name: 'lock', verdict: 'fail', reason, fix: `A person must decide: \`slipway show ${one.release}\` says what and how.` }];
      const resting = one.status === 'paused' || one.status === 'waiting';
      if (one.driver !== null || resting || worked) return [{ name: 'lock', verdict: 'pass', reason }];
      return [
        {
          name: 'lock',
          verdict: 'unknown',
          reason: `${reason}, and no worker drives it from here`,
          fix: 'Start a worker with `slipway agent start`; it takes the release over and resumes it.',
        },
      ];
    }),
  );
  return checks.flat();
}
