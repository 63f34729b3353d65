import type { PreviousVersion } from '../../../release/index.ts';
import type { GroupState } from '../../../targets/index.ts';
import type { RouteState } from '../../../traffic/index.ts';
import type { App } from '../../compose.ts';

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
