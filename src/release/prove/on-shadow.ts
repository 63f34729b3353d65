import { referencesOf, SlipwayError, type Template } from '../../kernel/index.ts';
import type { CommandDefinition, DatabaseDefinition, Definition, SmokeCheck } from '../core/definition.ts';

/** Variable that holds the URL of the database a cell runs on: a template may travel to disk, a password must not. */
export const SHADOW_URL = 'SLIPWAY_SHADOW_URL';
const REFERENCE = `\${env:${SHADOW_URL}}`;
/** By these libpq, and most drivers, find a database without being given a URL. */
const FOUND_BY = /^PG(HOST|HOSTADDR|PORT|DATABASE|SERVICE|SERVICEFILE|USER|PASSWORD|PASSFILE)$/;

/**
 * The version as it is run on a shadow database: where it was given the URL of its database it is given the shadow's, and one instance of
 * each process does.
 * @throws SlipwayError `config_invalid` when a process would find the real database all the same
 */
export function onShadow(definition: Definition): Definition {
  const { database, smoke } = definition;
  if (database === null) return definition;
  const turned = turner(database);
  const checks = (list: readonly SmokeCheck[]): readonly SmokeCheck[] =>
    list.map((check) => (check.kind === 'command' ? { ...check, command: turned.command(check.command) } : check));
  const processes = definition.processes.map((process) => ({
    ...process,
    argv: process.argv.map(turned.template),
    env: turned.environment(process.env),
    instances: Math.min(1, process.instances),
  }));
  const shadow: Definition = {
    ...definition,
    processes,
    smoke: { ...smoke, read: checks(smoke.read), write: checks(smoke.write), worker: checks(smoke.worker) },
  };
  const commands = [...shadow.smoke.read, ...shadow.smoke.write, ...shadow.smoke.worker].flatMap((check) =>
    check.kind === 'command' ? [{ name: `the check "${check.name}"`, ...check.command }] : [],
  );
  refuseLeaks([...processes.map((one) => ({ ...one, name: `the process ${one.name}` })), ...commands], turned.real);
  return shadow;
}

/** A command as it is run on a shadow database. @throws SlipwayError as {@link onShadow} */
export function commandOnShadow(database: DatabaseDefinition, command: CommandDefinition, name: string): CommandDefinition {
  const turned = turner(database);
  const shadow = turned.command(command);
  refuseLeaks([{ name, ...shadow }], turned.real);
  return shadow;
}

function turner({ url, env: variable }: DatabaseDefinition) {
  const real = typeof url === 'string' ? url : null;
  const template = (one: Template): Template => (real === null ? one : one.replaceAll(real, REFERENCE));
  const environment = (env: Readonly<Record<string, Template>>): Readonly<Record<string, Template>> => ({
    ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, template(value)])),
    [variable]: REFERENCE,
    // Lets a service leave out what reaches beyond its database: mails, payments, queues.
    SLIPWAY_SHADOW: '1',
  });
  const command = (one: CommandDefinition): CommandDefinition => ({ ...one, argv: one.argv.map(template), env: environment(one.env) });
  return { real, template, environment, command };
}

interface Started extends Pick<CommandDefinition, 'argv' | 'env'> {
  /** As it is told. */
  readonly name: string;
}

function refuseLeaks(started: readonly Started[], real: Template | null): void {
  const names = new Set(referencesOf(real ?? '').flatMap(({ name }) => name ?? []));
  for (const { name, argv, env } of started) {
    const found = Object.keys(env).find((key) => FOUND_BY.test(key));
    const referred = [...argv, ...Object.values(env)].flatMap(referencesOf).find((one) => one.name !== null && names.has(one.name));
    const way = found ?? referred?.name ?? null;
    if (way === null) continue;
    throw new SlipwayError('config_invalid', `${name} would find the real database by ${way}, so it cannot be run on another one`, {
      hint: 'Let it connect by the URL that database.env names, and by nothing else.',
    });
  }
}
