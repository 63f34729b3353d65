import { messageOf } from '../../kernel/index.ts';
import { commandLine } from './command-line.ts';
import { field, textEntries, type ProjectFiles } from './files.ts';

export interface PackageFacts {
  readonly found: boolean;
  readonly name: string | null;
  /** Script name -> how to run it. */
  readonly start: string | null;
  readonly worker: { readonly script: string; readonly run: string } | null;
  readonly build: string | readonly string[] | null;
  readonly test: string | null;
  readonly engine: string | null;
  /** The file that `start` or `main` names, for a look at its routes. */
  readonly entry: string | null;
  readonly dependencies: ReadonlySet<string>;
  readonly problem: string | null;
}

const NOTHING: PackageFacts = {
  found: false,
  name: null,
  start: null,
  worker: null,
  build: null,
  test: null,
  engine: null,
  entry: null,
  dependencies: new Set(),
  problem: null,
};

const INSTALLERS = [
  ['package-lock.json', 'npm ci', 'npm'],
  ['pnpm-lock.yaml', 'pnpm install --frozen-lockfile', 'pnpm'],
  ['yarn.lock', 'yarn install --immutable', 'yarn'],
] as const;

/** What package.json says. A missing or broken file says nothing. */
export async function readPackage(files: ProjectFiles): Promise<PackageFacts> {
  const text = await files.text('package.json');
  if (text === null) return NOTHING;
  try {
    return factsOf(JSON.parse(text), await files.list('.'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ...NOTHING, problem: `package.json is not JSON (${messageOf(error)})` };
  }
}

function factsOf(json: unknown, names: readonly string[]): PackageFacts {
  const scripts = new Map(textEntries(field(json, 'scripts')));
  const [, install, tool] = INSTALLERS.find(([lock]) => names.includes(lock)) ?? [null, 'npm install', 'npm'];
  const main = textOf(field(json, 'main')) ?? ['server.js', 'index.js', 'app.js'].find((name) => names.includes(name)) ?? null;
  const dependencies = new Set(
    [...textEntries(field(json, 'dependencies')), ...textEntries(field(json, 'devDependencies'))].map(([name]) => name),
  );
  const start = scriptLine(scripts, 'start', tool) ?? (main === null ? null : commandLine(['node', main]));
  const test = scripts.get('test');
  return {
    found: true,
    name: textOf(field(json, 'name')),
    start,
    worker: workerOf(scripts, tool),
    build: buildCommand(dependencies.size > 0, scripts.has('build'), install, tool),
    test: test === undefined || test.includes('no test specified') ? null : `${tool} test`,
    engine: textOf(field(field(json, 'engines'), 'node')),
    entry: /(?:^|\s)([\w./-]+\.[cm]?[jt]s)(?:\s|$)/.exec(start ?? '')?.[1] ?? main,
    dependencies,
    problem: null,
  };
}

function workerOf(scripts: ReadonlyMap<string, string>, tool: string): PackageFacts['worker'] {
  const script = [...scripts.keys()].find((name) => /^(start[:-])?(workers?|jobs|queue)$/.test(name));
  return script === undefined ? null : { script, run: scriptLine(scripts, script, tool) ?? `${tool} run ${script}` };
}

/** The script's own command where it needs no shell, so that signals reach the program and not npm. */
function scriptLine(scripts: ReadonlyMap<string, string>, name: string, tool: string): string | null {
  const script = scripts.get(name);
  if (script === undefined) return null;
  const line = commandLine(script);
  // Only `node` is found without the script runner's PATH of node_modules/.bin.
  return line !== null && line.startsWith('node ') ? line : `${tool} run ${name}`;
}

function buildCommand(installs: boolean, builds: boolean, install: string, tool: string): PackageFacts['build'] {
  if (builds) return installs ? ['sh', '-c', `${install} && ${tool} run build`] : `${tool} run build`;
  return installs ? install : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}
