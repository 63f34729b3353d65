import { referencesOf, SlipwayError, type Template } from '../../kernel/index.ts';
import type { CommandDefinition, Definition, SmokeCheck } from '../core/definition.ts';

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
  const real = typeof database.url === 'string' ? database.url : null;
  const away = (template: Template): Template => (real === null ? template : template.replaceAll(real, REFERENCE));
  const environment = (env: Readonly<Record<string, Template>>): Readonly<Record<string, Template>> => ({
    ...Object.fromEntries(Object.entries(env).map(([name, template]) => [name, away(template)])),
    [database.env]: REFERENCE,
    // Lets a service leave out what reaches beyond its database: mails, payments, queues.
    SLIPWAY_SHADOW: '1',
  });
  const command = (one: CommandDefinition): CommandDefinition => ({ ...one, argv: one.argv.map(away), env: environment(one.env) });
  const checks = (list: readonly SmokeCheck[]): readonly SmokeCheck[] =>
    list.map((check) => (check.kind === 'command' ? { ...check, command: command(check.command) } : check));
  const processes = definition.processes.map((process) => ({
    ...process,
    argv: process.argv.map(away),
    env: environment(process.env),
    instances: Math.min(1, process.instances),
  }));
  const shadow: Definition = {
    ...definition,
    processes,
    smoke: { ...smoke, read: checks(smoke.read), write: checks(smoke.write), worker: checks(smoke.worker) },
  };
  refuseLeaks(shadow, real);
  return shadow;
}

function refuseLeaks({ processes, smoke }: Definition, real: Template | null): void {
  const names = new Set(referencesOf(real ?? '').flatMap(({ name }) => name ?? []));
  const commands = [...smoke.read, ...smoke.write, ...smoke.worker].flatMap((check) =>
    check.kind === 'command' ? [{ name: `the check "${check.name}"`, ...check.command }] : [],
  );
  for (const { name, argv, env } of [...processes.map((one) => ({ ...one, name: `the process ${one.name}` })), ...commands]) {
    const found = Object.keys(env).find((key) => FOUND_BY.test(key));
    const referred = [...argv, ...Object.values(env)].flatMap(referencesOf).find((one) => one.name !== null && names.has(one.name));
    const way = found ?? referred?.name ?? null;
    if (way === null) continue;
    throw new SlipwayError('config_invalid', `${name} would find the real database by ${way}, so it cannot be run on another one`, {
      hint: 'Let it connect by the URL that database.env names, and by nothing else.',
    });
  }
}
