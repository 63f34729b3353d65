import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ERRORS, scatterOf, type Arm, type Dispersions } from '../../../analysis/index.ts';
import { formatDuration, SlipwayError, type Duration } from '../../../kernel/index.ts';
import { foldEvents, judgedCheckpoints } from '../../../release/index.ts';
import type { RouteStats } from '../../../traffic/index.ts';
import { openPeers } from '../../compose.ts';
import type { Call } from '../spec.ts';
import { withStore } from './app.ts';

/** What is known of a service's traffic, and from where. */
export interface TrafficFacts {
  /** Requests per minute to all versions. */
  readonly perMinute: number;
  /** Share of the stable version's that failed. */
  readonly baseline: number;
  readonly dispersions: Dispersions;
  readonly source: string;
}

const MINUTE_MS: Duration = 60_000;

/** The traffic that a canary of an earlier release met. @throws SlipwayError for a release without one */
export async function trafficOfRelease(call: Call, named: string): Promise<TrafficFacts> {
  return withStore(call, async ({ opened }) => {
    const stored = await opened.store.load(await opened.store.resolve(named));
    const { plan } = foldEvents(stored.events);
    const checkpoints = judgedCheckpoints(plan, stored.events);
    const pairs = checkpoints.flatMap(({ ticks }) => ticks.flatMap(({ metrics }) => metrics[ERRORS.name] ?? []));
    const ms = checkpoints.reduce((sum, { ticks, startedAt }) => sum + Math.max(0, (ticks.at(-1)?.at ?? startedAt) - startedAt), 0);
    const stable = total(pairs.map((pair) => pair.stable));
    const all = stable.requests + total(pairs.map(({ canary }) => canary)).requests;
    if (stable.requests === 0 || ms === 0)
      throw new SlipwayError('not_possible_now', `Release ${plan.release} has no canary whose traffic was counted`, {
        hint: 'Say it yourself with --traffic and --baseline, or name another release.',
      });
    return {
      perMinute: (all * MINUTE_MS) / ms,
      baseline: stable.bad / stable.requests,
      dispersions: checkpoints.findLast(({ scatter }) => Object.keys(scatter).length > 0)?.scatter ?? {},
      source: `counted by the canary of release ${plan.release}`,
    };
  });
}

/** What the running router counted of a service lately; null when no agent runs here, or it has counted nothing. */
export async function trafficNow({ directory, environment }: Call, route: string): Promise<TrafficFacts | null> {
  const home = resolve(directory, environment['SLIPWAY_HOME'] ?? join(directory, '.slipway'));
  if (!existsSync(home)) return null;
  const { router, target } = openPeers(realpathSync(home));
  try {
    const state = await router.inspect(route).catch(nothingWithoutAgent);
    const backend = state?.spec.backends.toSorted((one, other) => other.weight - one.weight)[0];
    if (backend === undefined) return null;
    const history = await router.history(route, backend.group);
    const table = (history ?? []).map(({ minutes }) => minutes.map(({ requests, errors }): Arm => ({ requests, bad: errors })));
    const minutes = Math.max(0, ...table.map((cells) => cells.length));
    const stable = total(table.flat());
    if (stable.requests === 0) return inAll(await router.stats(route), backend.version);
    return {
      perMinute: (stable.requests * 100) / minutes / Math.max(1, backend.weight),
      baseline: stable.bad / stable.requests,
      dispersions: { [ERRORS.name]: scatterOf(table) },
      source: `counted by the router in the last ${minutes} min of ${backend.version}`,
    };
  } finally {
    await Promise.all([router.close(), target.close()]);
  }
}

/**
 * Where no whole minute is known of every instance (the version, or one of them, has just been started): all that was counted. It does
 * not say how counts scatter.
 */
function inAll(stats: RouteStats | null, serving: string): TrafficFacts | null {
  if (stats === null) return null;
  const { at, since, versions } = stats;
  const { requests } = total(versions.map((one) => ({ requests: one.requests, bad: one.errors })));
  const own = total(versions.filter(({ version }) => version === serving).map((one) => ({ requests: one.requests, bad: one.errors })));
  if (own.requests === 0 || at <= since) return null;
  const seconds = Math.max(1, Math.round((at - since) / 1_000));
  return {
    perMinute: (requests * MINUTE_MS) / (at - since),
    baseline: own.bad / own.requests,
    dispersions: {},
    source: `counted by the router in ${formatDuration(seconds * 1_000)}, too little of ${serving} to tell how counts scatter`,
  };
}

function nothingWithoutAgent(error: unknown): null {
  if (error instanceof SlipwayError && error.code === 'agent_unreachable') return null;
  throw error;
}

function total(arms: readonly Arm[]): Arm {
  return arms.reduce((sum, arm) => ({ requests: sum.requests + arm.requests, bad: sum.bad + arm.bad }), { requests: 0, bad: 0 });
}
