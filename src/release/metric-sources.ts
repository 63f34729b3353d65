import {
  createCommandSource,
  createOtlpSource,
  createPrometheusSource,
  silent,
  type MetricSource,
  type SourceDefinition,
} from '../analysis/index.ts';
import type { Plan } from './core/plan.ts';
import { messageOf, resolveTemplate } from '../kernel/index.ts';
import { baseEnvironment } from './steps/command.ts';
import type { StepDeps } from './steps/deps.ts';

/** Whose source it is: what templates are resolved with. */
export interface SourceOwner {
  readonly workspace: string;
  readonly envFile: string | null;
  readonly version: string;
  readonly release: string;
}

/** The source that is configured. One that cannot be made (a variable is missing) is silent, with the reason. */
export async function openSource(
  deps: StepDeps,
  owner: SourceOwner,
  { source, cwd }: { readonly source: SourceDefinition; readonly cwd: string },
): Promise<MetricSource> {
  try {
    return await makeSource(deps, owner, { source, cwd });
  } catch (error) {
    const reading = silent(messageOf(error));
    return { read: async () => reading };
  }
}

async function makeSource(
  deps: StepDeps,
  owner: SourceOwner,
  { source, cwd }: { readonly source: SourceDefinition; readonly cwd: string },
): Promise<MetricSource> {
  const { timeoutMs } = source;
  const environment = await deps.environmentFor(owner.workspace, owner.envFile);
  const secrets: string[] = [];
  const resolve = (template: string): string => {
    const resolved = resolveTemplate(template, environment, { version: owner.version, release: owner.release });
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
      const env = { ...baseEnvironment(environment), SLIPWAY_RELEASE: owner.release, SLIPWAY_VERSION: owner.version, ...own };
      const { exec, clock } = deps.effects;
      return createCommandSource({ argv, cwd, env, secrets, timeoutMs, exec, clock });
    }
  }
}

/** A release owns the sources of its plan. */
export function ownerOf({ workspace, definition, version, release }: Plan): SourceOwner {
  return { workspace, envFile: definition.envFile, version, release };
}
