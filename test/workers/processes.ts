import { spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/kernel/index.ts';
import type { Plan, ReleaseStore, Step } from '../../src/release/index.ts';
import { openStore } from '../../src/store/index.ts';
import { startPostgres, systemPostgres } from '../support/postgres.ts';
import { eventually } from '../store/support.ts';
import { aStep, scriptedPlan } from './rig.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A server that many workers share: the system's own PostgreSQL where there is one, which is older than ours. */
export async function sharedServer(): Promise<SharedServer> {
  const postgres = await startPostgres({ version: systemPostgres() === null ? 'embedded' : 'system' });
  const url = await postgres.create('slipway');
  // `slipway worker` runs in a folder of ours, and hands out no work: releases are submitted by the tests.
  const open = await openStore({
    home: tmpdir(),
    url,
    node: 'nobody',
    clock: systemClock,
    lease: { leaseMs: 15_000, renewMs: 3_000, marginMs: 4_000 },
  });
  return {
    url,
    create: postgres.create,
    query: postgres.query,
    store: open.store,
    stop: async () => {
      await open.close();
      await postgres.stop();
    },
  };
}

export interface SharedServer {
  readonly url: string;
  readonly store: ReleaseStore;
  create(database: string): Promise<string>;
  query(database: string, sql: string): Promise<readonly Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** A state directory with what the steps of its releases leave behind. */
export interface Site {
  readonly node: string;
  readonly home: string;
  /** Lines `release step pid word`, in the order they happened. */
  effects(): readonly Effect[];
  startWorker(options?: WorkerStart): Promise<RunningWorker>;
  /** Submits a release whose steps run {@link SCRIPT}; `word` arguments as in the script. */
  submit(store: ReleaseStore, steps: readonly Step[], changes?: Partial<Plan>): Promise<string>;
  /** Kills what still runs and removes everything. */
  remove(): Promise<void>;
}

export interface Effect {
  readonly release: string;
  readonly step: string;
  readonly pid: string;
  readonly word: string;
}

export interface WorkerStart {
  readonly leaseMs?: number;
  /** The build's main.js; this one's by default. */
  readonly main?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface RunningWorker {
  readonly pid: number;
  /** Its name in the ledger. */
  readonly driver: string;
  readonly log: () => string;
  /** Freezes it, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void;
  /** SIGTERM, and its end. */
  stop(): Promise<void>;
}

/** Writes `begin`, a `tick` every 50 ms for so many and until it is told, and `end`; ignores SIGTERM. The process that writes is named in each line. */
const SCRIPT = `trap '' TERM
note() { echo "$SLIPWAY_RELEASE $2 $$ $1" >>"$3"; }
note begin "$1" "$2"
n=0
while [ "$n" -lt "$3" ] || { [ -n "$5" ] && [ ! -e "$5" ]; }; do note tick "$1" "$2"; sleep 0.05; n=$((n + 1)); done
note end "$1" "$2"
exit "\${4:-0}"
`;

/** Makes a site for workers of one node on the shared server. */
export function makeSite(server: SharedServer, node: string): Site {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-site-')));
  const home = join(root, 'home');
  const effectsFile = join(root, 'effects.txt');
  mkdirSync(home);
  writeFileSync(join(root, 'step.sh'), SCRIPT);
  writeFileSync(effectsFile, '');
  const running: RunningWorker[] = [];
  let started = 0;
  return {
    node,
    home,
    effects: () =>
      readFileSync(effectsFile, 'utf8')
        .trimEnd()
        .split('\n')
        .filter((line) => line !== '')
        .map(readEffect),
    startWorker: async (options = {}) => {
      const worker = await startWorker({ root, home, node, url: server.url, number: (started += 1) }, options);
      running.push(worker);
      return worker;
    },
    submit: async (store, steps, changes = {}) => {
      const plan = {
        ...scriptedPlan(
          steps.map((step) => withCommand(step, root, effectsFile)),
          changes,
        ),
        node,
        workspace: root,
      };
      const undo = Object.fromEntries(
        Object.entries(plan.undo).map(([id, back]) => [id, back.map((step) => withCommand(step, root, effectsFile))]),
      );
      mkdirSync(join(home, 'releases', plan.release, 'source'), { recursive: true });
      await store.submit({ plan: { ...plan, undo, ...('undo' in changes ? { undo: changes.undo ?? {} } : {}) }, actor: 'ann', wait: true });
      return plan.release;
    },
    remove: async () => {
      for (const worker of running) worker.signal('SIGCONT');
      await Promise.all(running.map((worker) => worker.stop()));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A step that runs the script: `ticks` of 50 ms, and on until the file `told` is there, then `exit`. */
export function scriptStep(
  id: string,
  {
    ticks = 1,
    exit = 0,
    told = '',
    ...changes
  }: { readonly ticks?: number; readonly exit?: number; readonly told?: string } & Partial<Step> = {},
): Step {
  return aStep(id, { ...changes, input: { ticks, exit, told } });
}

function withCommand(step: Step, root: string, effects: string): Step {
  if (step.kind !== 'command') return step;
  const { ticks = 1, exit = 0, told = '' } = step.input;
  const argv = ['/bin/sh', join(root, 'step.sh'), step.id, effects, ...[ticks, exit, told].map(String)];
  return { ...step, input: { command: { argv, timeoutMs: 60_000, env: {}, rerunnable: true } } };
}

function readEffect(line: string): Effect {
  const [release = '', step = '', pid = '', word = ''] = line.split(' ');
  return { release, step, pid, word };
}

interface Place {
  readonly root: string;
  readonly home: string;
  readonly node: string;
  readonly url: string;
  readonly number: number;
}

async function startWorker(
  { root, home, node, url, number }: Place,
  { leaseMs, main = MAIN, environment = {} }: WorkerStart,
): Promise<RunningWorker> {
  const logFile = join(root, `worker-${number}.log`);
  const output = openSync(logFile, 'a');
  const env = {
    ...process.env,
    SLIPWAY_HOME: home,
    SLIPWAY_NODE: node,
    SLIPWAY_DATABASE_URL: url,
    SLIPWAY_LOG: 'debug',
    ...(leaseMs === undefined ? {} : { SLIPWAY_LEASE_MS: String(leaseMs) }),
    ...environment,
  };
  const child = spawn(process.execPath, [main, '-C', root, 'worker'], { cwd: root, env, stdio: ['ignore', output, output] });
  closeSync(output);
  const log = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const driver = await eventually('the worker is ready', () => {
    if (child.exitCode !== null) throw new Error(`The worker did not start: ${log()}`);
    return /"driver":"([^"]+)"/.exec(log())?.[1];
  });
  return {
    pid: child.pid ?? 0,
    driver,
    log,
    signal: (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      appendFileSync(logFile, `-- ${signal}\n`);
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await gone;
    },
  };
}

/** Resolves when every release has ended and its pack is sealed. */
export async function allSealed(store: ReleaseStore, releases: readonly string[], withinMs = 60_000): Promise<void> {
  await eventually(
    'every release is sealed',
    async () => (await Promise.all(releases.map((release) => store.load(release)))).every(({ summary }) => summary.sealed),
    withinMs,
  );
}
