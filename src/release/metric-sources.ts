import {
  createCommandSource,
  createOtlpSource,
  createPrometheusSource,
  silent,
  type MetricSource,
  type SourceDefinition,
} from '../analysis/index.ts';
import { messageOf, resolveTemplate } from '../kernel/index.ts';
import type { Plan } from './core/plan.ts';
import { baseEnvironment } from './steps/command.ts';
import type { StepDeps } from './steps/deps.ts';

/** The source that is configured. One that cannot be made (a variable is missing) is silent, with the reason. */
export async function openSource(
  deps: StepDeps,
  plan: Plan,
  { source, cwd }: { readonly source: SourceDefinition; readonly cwd: string },
): Promise<MetricSource> {
  try {
    return await makeSource(deps, plan, { source, cwd });
  } catch (error) {
    const reading = silent(messageOf(error));
    return { read: async () => reading };
  }
}

async function makeSource(
  deps: StepDeps,
  plan: Plan,
  { source, cwd }: { readonly source: SourceDefinition; readonly cwd: string },
): Promise<MetricSource> {
  const { timeoutMs } = source;
  const environment = await deps.environmentFor(plan.workspace, plan.definition.envFile);
  const secrets: string[] = [];
  const resolve = (template: string): string => {
    const resolved = resolveTemplate(template, environment, { version: plan.version, release: plan.release });
    secrets.push(...resolved.secrets);
    return resolved.value;
  };
  switch (source.from) {
    case 'prometheus':
      return createPrometheusSource({
        url: resolve(source.url),
        token: source.token === null ? null : resolve(source.token),
        ask: source.ask,
        timeoutMs,
      });
    case 'otlp':
      return createOtlpSource({ socketPath: deps.agentSocket, ask: source.ask, timeoutMs });
    case 'command': {
      const argv = source.argv.map(resolve);
      const own = Object.fromEntries(Object.entries(source.env).map(([name, template]) => [name, resolve(template)]));
      const env = { ...baseEnvironment(environment), SLIPWAY_RELEASE: plan.release, SLIPWAY_VERSION: plan.version, ...own };
      const { exec, clock } = deps.effects;
      return createCommandSource({ argv, cwd, env, secrets, timeoutMs, exec, clock });
    }
  }
}
