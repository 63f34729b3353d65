import path from 'node:path';
import { readCompose, readDockerfile, type ComposeFacts, type ContainerFacts } from './detect/containers.ts';
import { databaseVariable, readEnvNames, readMigrations, usesPostgres, type MigrationFacts } from './detect/database.ts';
import { projectFiles, type ProjectFiles } from './detect/files.ts';
import { readPackage, type PackageFacts } from './detect/package-json.ts';

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

interface Facts {
  readonly files: ProjectFiles;
  readonly node: PackageFacts | null;
  readonly compose: ComposeFacts | null;
  readonly docker: ContainerFacts | null;
  readonly unknowns: string[];
}

/** Looks at a project's files. Nothing of the project is run, and no file can make this throw. */
export async function detectProject(directory: string): Promise<Detection> {
  const files = projectFiles(path.resolve(directory));
  const [node, compose, docker, env] = await Promise.all([readPackage(files), readCompose(files), readDockerfile(files), readEnvNames(files)]);
  const facts: Facts = { files, node, compose, docker, unknowns: [node?.problem, compose?.problem].filter((problem) => typeof problem === 'string') };
  const dependencies = node?.dependencies ?? new Set<string>();
  const migrations = await readMigrations(files, dependencies);
  const processes = await detectProcesses(facts);
  const listen = compose?.services.find((service) => service.port !== null)?.port ?? docker?.port ?? null;
  if (listen === null) facts.unknowns.push('The port users reach is not named anywhere; 8080 is assumed (`listen`).');
  const hasDatabase = compose?.postgres === true || usesPostgres(dependencies) || databaseVariable(env.names) !== null || migrations.folder !== null || migrations.command !== null;
  if (node?.test === null || node === null) facts.unknowns.push('No test command was found (`test`).');
  const git = (await files.list('.git')).length > 0 || (await files.text('.git')) !== null;
  if (!git) facts.unknowns.push('This folder is not a git repository; a release needs one to name its commit.');
  return {
    service: slug(node?.name ?? path.basename(files.directory)),
    processes,
    listen: listen ?? 8080,
    database: hasDatabase ? detectDatabase(migrations, databaseVariable(env.names), facts.unknowns) : null,
    build: node?.build ?? null,
    test: node?.test ?? null,
    envFile: env.file,
    envNames: env.names,
    git,
    nodeEngine: node?.engine ?? null,
    sources: [node === null ? null : 'package.json', compose?.file ?? null, docker === null ? null : 'Dockerfile', migrations.folder, env.file].filter((source) => source !== null),
    unknowns: facts.unknowns,
  };
}

function detectDatabase(migrations: MigrationFacts, variable: string | null, unknowns: string[]): Detection['database'] {
  if (variable === null) unknowns.push('No variable with the database URL was found; DATABASE_URL is assumed (`database.url`).');
  if (migrations.unrecognised !== null) unknowns.push(`${migrations.unrecognised}/ holds migrations of a tool that was not recognised; give its command as \`database.migrate\`.`);
  else if (migrations.folder === null && migrations.command === null) unknowns.push('No migrations were found (`database.migrations` or `database.migrate`).');
  return { variable: variable ?? 'DATABASE_URL', migrations: migrations.folder, migrate: migrations.command };
}

/** Compose services first (they name every process), then package.json, then the Dockerfile. */
async function detectProcesses(facts: Facts): Promise<readonly DetectedProcess[]> {
  const own = facts.compose?.services ?? [];
  const fallback = facts.node?.start ?? facts.docker?.run ?? null;
  const web = own.find((service) => service.port !== null || service.health !== null) ?? own.find((service) => service.run === null) ?? null;
  const run = web?.run ?? fallback;
  if (run === null) facts.unknowns.push('No start command was found; `npm start` is written as a placeholder (`processes.web.run`).');
  const name = web === null ? 'web' : slug(web.name);
  const from = web?.run === undefined || web.run === null ? (facts.node?.start === null || facts.node === null ? 'Dockerfile' : 'package.json') : (facts.compose?.file ?? '');
  const routed: DetectedProcess = { name, run: run ?? 'npm start', health: await detectHealth(facts, web, name), from: run === null ? 'a guess' : from };
  const others = own.filter((service) => service !== web).flatMap((service): DetectedProcess[] => {
    if (service.run !== null) return [{ name: slug(service.name), run: service.run, health: null, from: facts.compose?.file ?? '' }];
    facts.unknowns.push(`The command of the compose service "${service.name}" could not be taken over; add it under \`processes\`.`);
    return [];
  });
  const script = facts.node?.worker ?? null;
  const worker = others.length === 0 && script !== null ? [{ name: 'worker', run: script.run, health: null, from: 'package.json' }] : [];
  const all = [routed, ...others, ...worker];
  return all.filter((process, index) => all.findIndex((other) => other.name === process.name) === index);
}

const HEALTH_ROUTE = /["'`](\/(?:_?health[a-z]*(?:\/(?:ready|live))?|readyz?|livez?|ping))["'`]/;

async function detectHealth(facts: Facts, web: ContainerFacts | null, name: string): Promise<string> {
  const declared = web?.health ?? facts.docker?.health ?? null;
  if (declared !== null) return declared;
  const entry = facts.node?.entry ?? null;
  const source = entry === null || path.isAbsolute(entry) || entry.includes('..') ? null : await facts.files.text(entry);
  const route = HEALTH_ROUTE.exec(source ?? '')?.[1];
  if (route === undefined) facts.unknowns.push(`No health endpoint was found; /health is assumed. It should answer 200 and \`{"version": "..."}\` (\`processes.${name}.health\`).`);
  return route ?? '/health';
}

/** A name as `service` and process names allow it. */
function slug(text: string): string {
  const plain = text.replace(/^@[^/]*\//, '').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^[^a-z]+|-+$/g, '').slice(0, 40).replace(/-+$/, '');
  return plain === '' ? 'service' : plain;
}
