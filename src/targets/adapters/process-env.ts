import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseEnvFile, resolveTemplate, secretValuesOf, SlipwayError } from '../../kernel/index.ts';
import { partitionOf } from '../core/spec.ts';
import type { InstanceName } from '../core/state.ts';
import type { GroupSpec, ProcessSpec } from '../ports.ts';

/** What an instance inherits from the supervisor; all else must be asked for, so that nothing works by accident. */
const BASE = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'];

export type Environment = Readonly<Record<string, string | undefined>>;

/** A command ready to start. `secrets` are the values that must not reach its log. */
export interface Command {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

/**
 * The supervisor's environment with the group's variables file on top: the file belongs to the service, the
 * environment to the machine.
 * @throws SlipwayError `config_invalid` when the file is missing or malformed
 */
export async function environmentOf(spec: GroupSpec, environment: Environment): Promise<Environment> {
  if (spec.envFile === null) return environment;
  const file = path.resolve(spec.directory, spec.envFile);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new SlipwayError('config_invalid', `The variables file ${file} cannot be read`, { cause: error });
  }
  return { ...environment, ...parseEnvFile(text, file) };
}

/**
 * Resolves one instance's command and environment.
 * @throws SlipwayError `secret_missing`, `config_invalid`
 */
export function commandOf(
  spec: GroupSpec,
  process: ProcessSpec,
  place: Pick<InstanceName, 'index'> & { readonly port: number | null },
  environment: Environment,
): Command {
  const instance = `${process.name}-${place.index}`;
  const port: Record<string, string> = place.port === null ? {} : { port: String(place.port) };
  const { service, version, release } = spec;
  const variables = { service, environment: spec.environment, version, release, instance, ...port };
  // Also those nobody refers to: a service reads its variables file by itself, and prints what it reads.
  const secrets: string[] = [...secretValuesOf(environment)];
  const resolve = (template: string): string => {
    const resolved = resolveTemplate(template, environment, variables);
    secrets.push(...resolved.secrets);
    return resolved.value;
  };
  const base = BASE.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]] as const]));
  const env = {
    ...Object.fromEntries(base),
    SLIPWAY_RELEASE: release,
    SLIPWAY_VERSION: version,
    SLIPWAY_ENVIRONMENT: spec.environment,
    SLIPWAY_SERVICE: service,
    SLIPWAY_INSTANCE: instance,
    // PostgreSQL then shows whose a session is: libpq and what is built on it, node-postgres and pgx take their name from here.
    PGAPPNAME: `${service} ${version} ${instance}`,
    ...partitionVariables(process, place.index),
    ...(place.port === null ? {} : { PORT: String(place.port) }),
    ...Object.fromEntries(Object.entries(process.env).map(([name, template]) => [name, resolve(template)])),
  };
  return { argv: process.argv.map(resolve), env, secrets };
}

/** Both or none: a worker that knows its number but not of how many could do nothing with it. */
function partitionVariables(process: ProcessSpec, index: number): Readonly<Record<string, string>> {
  const partition = partitionOf(process, index);
  if (partition === null || process.partitions === undefined) return {};
  return { SLIPWAY_PARTITION: String(partition), SLIPWAY_PARTITIONS: String(process.partitions.count) };
}
