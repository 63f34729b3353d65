import path from 'node:path';
import { readCompose, readDockerfile, type ComposeFacts, type ContainerFacts } from './detect/containers.ts';
import { databaseVariable, readEnvNames, readMigrations, usesPostgres, type MigrationFacts } from './detect/database.ts';
import { projectFiles, type ProjectFiles } from './detect/files.ts';
import { readPackage, type PackageFacts } from './detect/package-json.ts';
import { readProcfile, type ProcfileFacts } from './detect/procfile.ts';

/** What a look at a project's files tells about how to release it. */
export interface Detection {
  readonly service: string;
  readonly processes: readonly DetectedProcess[];
  readonly listen: number;
  readonly database: { readonly variable: string; readonly migrations: string | null; readonly migrate: string | null } | null;
  readonly build: string | readonly string[] | null;
  readonly test: string | null;
  readonly envFile: string | null;
  /** Names of the variables in .env files; values are never kept. */
  readonly envNames: readonly string[];
  readonly git: boolean;
  /** Is Slipway a dependency of the project, with its schema where editors find it? */
  readonly schemaInstalled: boolean;
  readonly nodeEngine: string | null;
  /** Files that were of use. */
  readonly sources: readonly string[];
  /** What could not be determined, and what was written instead; one sentence each. */
  readonly unknowns: readonly string[];
}

export interface DetectedProcess {
  readonly name: string;
  readonly run: string;
  /** Health path of the process users reach; null for background processes. */
  readonly health: string | null;
  /** The file this came from. */
  readonly from: string;
}

/** Where npm puts our schema, in a project that depends on Slipway. */
export const INSTALLED_SCHEMA = 'node_modules/slipway/schema/slipway.schema.json';

interface Facts {
  readonly files: ProjectFiles;
  readonly node: PackageFacts;
  readonly compose: ComposeFacts;
  readonly docker: ContainerFacts;
  readonly procfile: ProcfileFacts;
  readonly unknowns: string[];
}

/** Looks at a project's files. Nothing of the project is run, and no file can make this throw. */
export async function detectProject(directory: string): Promise<Detection> {
  const files = projectFiles(path.resolve(directory));
  const [node, compose, docker, env, procfile] = await Promise.all([
    readPackage(files),
    readCompose(files),
    readDockerfile(files),
    readEnvNames(files),
    readProcfile(files),
  ]);
  const unknowns = [node.problem, compose.problem].filter((problem) => problem !== null);
  const facts: Facts = { files, node, compose, docker, procfile, unknowns };
  const migrations = await readMigrations(files, node.dependencies);
  const processes = await detectProcesses(facts);
  const listen = detectPort(facts);
  if (node.test === null) unknowns.push('No test command was found (`test`).');
  const git = (await files.list('.git')).length > 0 || (await files.text('.git')) !== null;
  if (!git) unknowns.push('This folder is not a git repository; a release needs one to name its commit.');
  const sources = [
    node.found ? 'package.json' : null,
    compose.file,
    docker.name,
    procfile.found ? 'Procfile' : null,
    migrations.folder,
    env.file,
  ];
  return {
    service: slug(node.name ?? path.basename(files.directory)),
    processes,
    listen,
    database: detectDatabase(facts, migrations, databaseVariable(env.names)),
    build: node.build,
    test: node.test,
    envFile: env.file,
    envNames: env.names,
    git,
    schemaInstalled: (await files.text(INSTALLED_SCHEMA)) !== null,
    nodeEngine: node.engine,
    sources: sources.filter((source) => source !== null),
    unknowns,
  };
}

function detectPort({ compose, docker, unknowns }: Facts): number {
  const port = compose.services.find((service) => service.port !== null)?.port ?? docker.port;
  if (port === null) unknowns.push('The port users reach is not named anywhere; 8080 is assumed (`listen`).');
  return port ?? 8080;
}

function detectDatabase(facts: Facts, migrations: MigrationFacts, variable: string | null): Detection['database'] {
  const { folder, unrecognised } = migrations;
  // Procfiles migrate before a release; a tool that was recognised is known better.
  const command = migrations.command ?? (folder === null ? facts.procfile.once : null);
  const signs = [facts.compose.postgres, usesPostgres(facts.node.dependencies), variable !== null, folder !== null, command !== null];
  if (!signs.includes(true)) return null;
  if (variable === null) {
    facts.unknowns.push('No variable with the database URL was found; DATABASE_URL is assumed (`database.url`).');
  }
  if (unrecognised !== null) {
    facts.unknowns.push(`${unrecognised}/ holds migrations of a tool that was not recognised; give its command as \`database.migrate\`.`);
  } else if (folder === null && command === null) {
    facts.unknowns.push('No migrations were found (`database.migrations` or `database.migrate`).');
  }
  return { variable: variable ?? 'DATABASE_URL', migrations: folder, migrate: command };
}

/** Compose services first (they name every process), then the Procfile, package.json, and the Dockerfile. */
async function detectProcesses(facts: Facts): Promise<readonly DetectedProcess[]> {
  const own = facts.compose.services;
  const web = own.find(({ port, health }) => port !== null || health !== null) ?? own.find(({ run }) => run === null) ?? null;
  const name = slug(web?.name ?? 'web');
  const routed: DetectedProcess = { name, ...detectStart(facts, web), health: await detectHealth(facts, web, name) };
  const others = own.length > 0 ? own.filter((one) => one !== web).flatMap((one) => detectBackground(facts, one)) : procfileOthers(facts);
  const script = others.length === 0 ? facts.node.worker : null;
  const worker = script === null ? [] : [{ name: 'worker', run: script.run, health: null, from: 'package.json' }];
  const all = [routed, ...others, ...worker];
  return all.filter((process, index) => all.findIndex((other) => other.name === process.name) === index);
}

function detectStart({ compose, node, docker, procfile, unknowns }: Facts, web: ContainerFacts | null): { run: string; from: string } {
  const candidates = [
    { run: web?.run ?? null, from: compose.file ?? '' },
    { run: web === null ? (procfile.processes.find(({ name }) => name === 'web')?.run ?? null) : null, from: 'Procfile' },
    { run: node.start, from: 'package.json' },
    { run: docker.run, from: 'Dockerfile' },
  ];
  for (const { run, from } of candidates) if (run !== null) return { run, from };
  unknowns.push('No start command was found; `npm start` is written as a placeholder (`processes`).');
  return { run: 'npm start', from: 'a guess' };
}

/** All but `web`, which users reach. What runs once before a release is no process. */
function procfileOthers({ procfile, unknowns }: Facts): readonly DetectedProcess[] {
  for (const { name } of procfile.processes.filter(({ run }) => run === null))
    unknowns.push(`The Procfile's command of "${name}" needs a shell, and could not be taken over; write it under \`processes\`.`);
  return procfile.processes.flatMap(({ name, run }) =>
    run === null || name === 'web' ? [] : [{ name: slug(name), run, health: null, from: 'Procfile' }],
  );
}

function detectBackground({ compose, unknowns }: Facts, service: ContainerFacts): readonly DetectedProcess[] {
  if (service.run !== null) return [{ name: slug(service.name ?? ''), run: service.run, health: null, from: compose.file ?? '' }];
  unknowns.push(`The command of the compose service "${service.name}" could not be taken over; add it under \`processes\`.`);
  return [];
}

const HEALTH_ROUTE = /["'`](\/(?:_?health[a-z]*(?:\/(?:ready|live))?|readyz?|livez?|ping))["'`]/;

async function detectHealth(facts: Facts, web: ContainerFacts | null, name: string): Promise<string> {
  const declared = web?.health ?? facts.docker.health;
  if (declared !== null) return declared;
  const route = HEALTH_ROUTE.exec(await entrySource(facts))?.[1];
  if (route !== undefined) return route;
  const advice = `It should answer 200 and \`{"version": "..."}\` (\`processes.${name}.health\`).`;
  facts.unknowns.push(`No health endpoint was found; /health is assumed. ${advice}`);
  return '/health';
}

/** The text of the program's first file, when it is inside the project. */
async function entrySource({ node, files }: Facts): Promise<string> {
  if (node.entry === null || path.isAbsolute(node.entry) || node.entry.includes('..')) return '';
  return (await files.text(node.entry)) ?? '';
}

/** A name as `service` and process names allow it. */
function slug(text: string): string {
  const plain = text
    .replace(/^@[^/]*\//, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return plain === '' ? 'service' : plain;
}
