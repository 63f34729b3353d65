import { execFile } from 'node:child_process';
import { existsSync, realpathSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { systemClock } from '../../../src/kernel/index.ts';
import { agentStatus, stopAgent } from '../../../src/server/index.ts';
import { COMPILED } from '../../support/child.ts';
import { freePort } from '../../support/free-port.ts';
import { placeStore } from '../../support/place-store.ts';
import { runningPostmaster, signalPostmaster } from '../../../src/store/embedded/postmaster.ts';
import { socketDirectory } from '../../../src/store/embedded/socket.ts';
import { endProcessesIn } from './processes.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
/** Longer than any command here may take: a command that hangs is a failed test, not a hung suite. */
const COMMAND_MS = 120_000;

/** How one run of the CLI ended and what it said. */
export interface Ran {
  readonly exit: number | null;
  /** stdout and stderr together. */
  readonly said: string;
  readonly stdout: string;
}

/** What the service does wrong; its server reads it from `behaviour.json`. */
export interface Behaviour {
  /** Does not end on SIGTERM. */
  readonly ignoreTerm?: boolean;
  /** Accepts a request to this path and never answers. */
  readonly hangOn?: string;
  /** Writes bytes that are not UTF-8 to its log. */
  readonly garbage?: boolean;
  /** Answers 500 to everybody but the health check while this file is there. */
  readonly brokenWhile?: string;
  /** Fails for users, who come through the router, and for nobody else. */
  readonly failsForUsers?: boolean;
  /** Fails every so-manieth request of users, who come through the router. */
  readonly failsEvery?: number;
  /** Answers no sooner than after so many milliseconds, but for the health check. */
  readonly delayMs?: number;
  /** It does so only while this file is there. */
  readonly failsWhile?: string;
}

/** What a version brings beside its number. */
export interface Change {
  /** Top-level keys of slipway.yaml that replace the usual ones; null removes one. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly behaviour?: Behaviour;
  readonly files?: Readonly<Record<string, string>>;
}

/** The part of `slipway status --json` that must be sane after anything. */
export interface Status {
  readonly serving: string | null;
  readonly locked: boolean;
  readonly inFlight: number;
  /** `version phase` of every instance. */
  readonly running: readonly string[];
}

/** A service of a few lines in a git repository of its own. */
export interface SmallService {
  readonly folder: string;
  readonly port: number;
  /** Writes files into the workspace without committing them. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** Commits a version: package.json, slipway.yaml and whatever the change brings. */
  commit(version: string, change?: Change): Promise<void>;
  /** Gives up what is not committed. */
  restore(): Promise<void>;
  /** Goes on in a new branch. */
  checkOut(branch: string): Promise<void>;
  slipway(...args: readonly string[]): Promise<Ran>;
  /** The same with more variables. */
  slipwayWith(variables: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran>;
  /** The version users reach, null when nobody answers. */
  served(): Promise<string | null>;
  status(): Promise<Status>;
}

/** One state directory (agent, worker, PostgreSQL) shared by any number of small services. */
export interface SmallRig {
  readonly folder: string;
  readonly home: string;
  service(name: string): Promise<SmallService>;
  /** Ends the agent, what it supervises and PostgreSQL, and removes everything. */
  close(): Promise<void>;
}

/**
 * Makes a rig; its first release starts the agent.
 * @param options.home the state directory, when it must lie somewhere special
 * @param options.variables what every command, and so the agent and its worker, find in their environment
 */
export async function makeSmallRig(
  options: { readonly home?: string; readonly variables?: Readonly<Record<string, string>> } = {},
): Promise<SmallRig> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'slipway-bad-input-')));
  const home = options.home ?? join(folder, 'home');
  if (options.home === undefined && options.variables?.['SLIPWAY_DATABASE_URL'] === undefined) await placeStore(home);
  return {
    folder,
    home,
    service: (name) => makeService(join(folder, name), { ...baseEnvironment(folder), SLIPWAY_HOME: home, ...options.variables }),
    close: async () => {
      await endHome(home);
      // A test that failed may have left the agent stopped, and then nobody ends what it supervised.
      endProcessesIn([folder, home]);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Ends everything that runs for a state directory. */
export async function endHome(home: string): Promise<void> {
  if ((await agentStatus(home)) !== null) await stopAgent(home, systemClock, { all: true });
  const postmaster = runningPostmaster(join(home, 'store', 'pg'));
  if (postmaster !== null) {
    signalPostmaster(postmaster, 'immediate');
    await until('PostgreSQL has ended', () => runningPostmaster(join(home, 'store', 'pg')) === null);
  }
  // It is in the temporary folder, not in the state directory.
  if (existsSync(home)) rmSync(socketDirectory(realpathSync(home)), { recursive: true, force: true });
}

/** Nothing of the developer's own settings may decide a test. */
function baseEnvironment(folder: string): Readonly<Record<string, string>> {
  const path = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`;
  return { PATH: path, NODE_COMPILE_CACHE: COMPILED, HOME: folder, SLIPWAY_ACTOR: 'ann' };
}

const SERVER = `
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const { ignoreTerm, hangOn, garbage, failsForUsers, failsEvery, failsWhile, brokenWhile, delayMs } = JSON.parse(readFileSync('behaviour.json', 'utf8'));
const version = process.env.SLIPWAY_VERSION;
let users = 0;
if (garbage) process.stdout.write(Buffer.from([0x62, 0x79, 0x74, 0x65, 0xff, 0xfe, 0xc3, 0x28, 0x00, 0x1b, 0x5b, 0x41, 0x0a]));
const server = createServer((request, response) => {
  if (request.url === hangOn) return;
  if (brokenWhile && request.url !== '/health' && existsSync(brokenWhile)) {
    console.error('no flux capacitor');
    response.statusCode = 500;
    return response.end('{"error": "cannot serve"}');
  }
  if (failsEvery && (!failsWhile || existsSync(failsWhile)) && request.headers['x-forwarded-for'] && ++users % failsEvery === 0) response.statusCode = 500;
  if (failsForUsers && request.headers['x-forwarded-for']) response.statusCode = 500;
  const answer = () => response.end(JSON.stringify({ status: 'ok', version }));
  if (delayMs && request.url !== '/health') setTimeout(answer, delayMs);
  else answer();
});
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => (ignoreTerm ? console.log('SIGTERM ignored') : process.exit(0)));
`;

async function makeService(folder: string, environment: Readonly<Record<string, string>>): Promise<SmallService> {
  const name = folder.split('/').at(-1) ?? '';
  const port = await freePort();
  const write: SmallService['write'] = async (files) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
  };
  const git = (...args: readonly string[]): Promise<Ran> =>
    run('git', ['-C', folder, '-c', 'user.name=Ann', '-c', 'user.email=ann@localhost', ...args], environment);
  const slipwayWith: SmallService['slipwayWith'] = (variables, ...args) =>
    run(process.execPath, [MAIN, '-C', folder, ...args], { ...environment, ...variables });
  const slipway: SmallService['slipway'] = (...args) => slipwayWith({}, ...args);
  await write({ 'server.js': SERVER, 'package.json': '{}' });
  await git('init', '--quiet', '--initial-branch=main');
  return {
    folder,
    port,
    write,
    commit: async (version, { config = {}, behaviour = {}, files = {} } = {}) => {
      await write({
        'package.json': JSON.stringify({ type: 'module', version }),
        'behaviour.json': JSON.stringify(behaviour),
        'slipway.yaml': stringify(withoutNulls({ ...usualConfig(name, port), ...config })),
        ...files,
      });
      await git('add', '--all');
      const { exit, said } = await git('commit', '--quiet', '--message', version);
      if (exit !== 0) throw new Error(said);
    },
    restore: async () => void (await git('checkout', '--quiet', '--', '.')),
    checkOut: async (branch) => void (await git('checkout', '--quiet', '-b', branch)),
    slipway,
    slipwayWith,
    served: () => servedAt(port),
    status: async () => statusOf(await slipway('status', '--json'), name),
  };
}

/**
 * A watch under the traffic of {@link sendUsers} that no pause of this machine ends: while it stands still for a second, more than a
 * hundredth of a few hundred requests wait for longer than any usual limit. What is slow on purpose is for the canary's judge.
 */
export function watchFor(window: string): Readonly<Record<string, unknown>> {
  return { window, every: '500ms', because: 'a test', p99: '30s' };
}

/** What a service's slipway.yaml says unless a test says otherwise. */
export function usualConfig(name: string, port: number): Readonly<Record<string, unknown>> {
  return {
    service: name,
    listen: `127.0.0.1:${port}`,
    processes: {
      web: {
        run: 'node server.js',
        // As long as this machine may stand still.
        health: { path: '/health', interval: '200ms', timeout: '10s', 'start-within': '60s' },
        'stop-grace': '500ms',
      },
    },
    smoke: { read: ['GET /'], within: '1s' },
    observe: { window: '1ms', every: '1ms', because: 'a test' },
    rollback: { within: '2m', warm: '100ms' },
  };
}

function withoutNulls(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
}

async function servedAt(port: number): Promise<string | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5_000) });
    return response.ok ? ((await response.json()) as { readonly version: string }).version : `status ${response.status}`;
  } catch {
    return null;
  }
}

interface StatusDocument {
  readonly places: readonly {
    readonly service: string;
    readonly serving: { readonly version: string } | null;
    readonly lock: unknown;
    readonly inFlight: readonly unknown[];
    readonly running: {
      readonly groups: readonly { readonly version: string; readonly instances: readonly { readonly phase: string }[] }[];
    } | null;
  }[];
}

function statusOf({ exit, stdout, said }: Ran, service: string): Status {
  if (exit !== 0) throw new Error(`status ended with ${exit}: ${said}`);
  const place = (JSON.parse(stdout) as StatusDocument).places.find((one) => one.service === service);
  const groups = place?.running?.groups ?? [];
  return {
    serving: place?.serving?.version ?? null,
    locked: (place?.lock ?? null) !== null,
    inFlight: place?.inFlight.length ?? 0,
    running: groups.flatMap(({ version, instances }) => instances.map(({ phase }) => `${version} ${phase}`)).toSorted(),
  };
}

/** Runs a program to its end with nothing but this environment. */
function run(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      clearTimeout(late);
      const exit = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ exit, stdout, said: `${stdout}\n${stderr}` });
    });
    // Not execFile's own timeout: a command that answers SIGTERM with exit code 0 would look like a success.
    const late = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS);
  });
}

/** Polls until the condition holds; how long only bounds a hang. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const end = systemClock.monotonic() + withinMs;
  while (!(await holds())) {
    if (systemClock.monotonic() > end) throw new Error(`Waited ${withinMs} ms in vain until ${what}`);
    await systemClock.sleep(30);
  }
}
