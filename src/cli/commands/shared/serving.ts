import type { PreviousVersion } from '../../../release/index.ts';
import type { GroupState } from '../../../targets/index.ts';
import type { BackendSpec, RouteState, RouteStats } from '../../../traffic/index.ts';
import type { App } from '../../compose.ts';
import { recentText, type TrafficStatus } from '../../output/listing.ts';

/**
 * Why users do not get the version that should serve, or not all of it; null when it runs, ready, and the route leads to it.
 * @throws SlipwayError `agent_unreachable`
 */
export async function whyNotServing({ deps }: Pick<App, 'deps'>, { version, group, definition }: PreviousVersion): Promise<string | null> {
  const problem = groupProblem(version, group, await deps.target.inspect(group));
  if (problem !== null || definition.listen === null) return problem;
  const id = `${definition.service}/${definition.environment}`;
  const route = await deps.router.inspect(id);
  if (route !== null && route.spec.mode === 'open' && !route.listening) {
    const { listen } = route.spec;
    return `the route does not listen on ${listen.host}:${listen.port}, and takes it by itself once it can: ${(await deps.router.canListen(id, listen)).reason}`;
  }
  return routeProblem(group, route);
}

function groupProblem(version: string, group: string, state: GroupState | null): string | null {
  if (state === null) return `${version} should serve and is not running (${group} is unknown to the agent)`;
  const bad = state.instances.filter(({ phase }) => phase !== 'ready');
  if (bad.length === 0) return null;
  return `${version} is degraded: ${bad.map((one) => `${one.process}#${one.index} is ${one.phase} (${one.health.reason})`).join('; ')}`;
}

function routeProblem(group: string, route: RouteState | null): string | null {
  if (route === null) return 'the agent knows no route for it, so users do not reach it';
  const { mode, listen, backends } = route.spec;
  const address = `${listen.host}:${listen.port}`;
  if (mode !== 'open') return `the route at ${address} is ${mode === 'hold' ? 'held: requests wait, then fail' : 'closed'}`;
  return backends.some((one) => one.group === group && one.weight > 0) ? null : `the route at ${address} does not lead to it`;
}

/** What users met of the versions that take requests. */
export function trafficOf(stats: RouteStats | null, backends: readonly BackendSpec[]): readonly TrafficStatus[] {
  if (stats === null) return [];
  return stats.versions
    .filter(({ group, version }) => backends.some((one) => one.group === group && one.version === version && one.weight > 0))
    .map(({ version, requests, errors, recent = null }) => ({ version, since: stats.since, requests, errors, recent }));
}

/** One error among three requests is no rate. */
const LEAST_ERRORS = 3;

/**
 * What users lately met of the version that serves: whether most requests fail (then nothing else matters), and the figures in words.
 * Only the last minutes count: an agent lives for months, and an hour of errors in spring says nothing today.
 */
export async function recentErrors(
  { deps }: Pick<App, 'deps'>,
  { definition }: PreviousVersion,
): Promise<{ readonly most: boolean; readonly told: string | null }> {
  const id = `${definition.service}/${definition.environment}`;
  const route = definition.listen === null ? null : await deps.router.inspect(id);
  if (route === null) return { most: false, told: null };
  const recent = trafficOf(await deps.router.stats(id), route.spec.backends).flatMap((one) => (one.recent === null ? [] : [one.recent]));
  const [first] = recent;
  if (first === undefined) return { most: false, told: null };
  const sum = (of: 'requests' | 'errors'): number => recent.reduce((total, one) => total + one[of], 0);
  const [requests, errors] = [sum('requests'), sum('errors')];
  const figures = recentText({ recent: { ...first, requests, errors } });
  if (errors < LEAST_ERRORS) return { most: false, told: figures };
  if (errors * 2 > requests) return { most: true, told: `${figures ?? ''}: most requests fail` };
  const high = errors / requests > definition.observe.maxErrorRate;
  return { most: false, told: `${figures ?? ''}${high ? ', more than observe.error-rate allows a new version' : ''}` };
}
