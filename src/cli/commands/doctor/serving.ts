import type { Check } from '../../../kernel/index.ts';
import { versionOf } from '../../../release/index.ts';
import { agentStatus } from '../../../server/index.ts';
import type { GroupState } from '../../../targets/index.ts';
import type { RouteState } from '../../../traffic/index.ts';
import type { App } from '../../compose.ts';

const RECENT = 500;

/** What was released is what runs, ready, and users reach it. Without an agent nobody can tell; that is the agent's own check. */
export async function checkServing({ opened, deps, places }: App): Promise<readonly Check[]> {
  if ((await agentStatus(places.home)) === null) return [];
  const recent = await opened.store.list({ limit: RECENT });
  const names = new Map(recent.map(({ service, environment }) => [`${service}/${environment}`, { service, environment }]));
  const checks = await Promise.all(
    [...names].map(async ([name, { service, environment }]): Promise<readonly Check[]> => {
      // While a release is at work, or waits for a person, instances and route are as that release needs them.
      if ((await opened.store.lockOf(service, environment)) !== null) return [];
      const stored = await opened.store.lastServing(service, environment);
      if (stored === null) return [];
      const { version, group, definition } = versionOf(stored);
      const state = await deps.target.inspect(group);
      const route = definition.listen === null ? null : await deps.router.inspect(name);
      const problem = problemOf(version, group, state) ?? (definition.listen === null ? null : routeProblem(group, route));
      if (problem === null) return [{ name: 'serving', verdict: 'pass', reason: `${name}: ${version} runs and is ready` }];
      const fix = `Look with \`slipway status\`. Start it again with \`slipway rollback --to ${version} --reason TEXT\`, or release another version with --skip preflight.health=REASON.`;
      return [{ name: 'serving', verdict: 'fail', reason: `${name}: ${problem}`, fix }];
    }),
  );
  return checks.flat();
}

function problemOf(version: string, group: string, state: GroupState | null): string | null {
  if (state === null) return `${version} should serve and is not running (${group} is unknown to the agent)`;
  const bad = state.instances.filter(({ phase }) => phase !== 'ready');
  if (bad.length === 0) return null;
  return `${version} is degraded: ${bad.map((one) => `${one.process}#${one.index} is ${one.phase} (${one.health.reason})`).join('; ')}`;
}

function routeProblem(group: string, route: RouteState | null): string | null {
  if (route === null) return 'the agent knows no route for it, so users do not reach it';
  const { mode, listen, backends } = route.spec;
  const address = `${listen.host}:${listen.port}`;
  if (mode !== 'open') return `the route at ${address} is ${mode === 'hold' ? 'held: requests wait' : 'closed'}, and no release is at work`;
  if (!route.listening) return `the route does not listen on ${address}`;
  return backends.some((one) => one.group === group && one.weight > 0) ? null : `the route at ${address} does not lead to it`;
}
