import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { runningPostmaster } from '../../../src/store/index.ts';

const runFile = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
/** Longer than any command here may take; a command that hangs is a failed test, not a hung suite. */
const COMMAND_MS = 60_000;

/** How one run of the CLI ended and what it said. */
export interface Ran {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, for tests that do not care where it was said. */
  readonly said: string;
}

type Tree = { readonly [key: string]: string | number | boolean | null | Tree | readonly (string | Tree)[] };

/** What the service of a version does wrong; read by its server from `behaviour.json`. */
export interface Behaviour {
  /** Does not end on SIGTERM. */
  readonly ignoreTerm?: boolean;
  /** Accepts a request to this path and never answers. */
  readonly hangOn?: string;
  /** Writes bytes that are not UTF-8 to its log. */
  readonly garbage?: boolean;
}

/** A service of a few lines in a git repository of its own. */
export interface SmallService {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  /** Writes files of the workspace; the folders are made. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  commit(): Promise<void>;
  /** Writes a version with its configuration on top of {@link configOf} and commits it. */
  version(version: string, change?: { readonly config?: Tree; readonly behaviour?: Behaviour; readonly files?: Readonly<Record<string, string>> }): Promise<void>;
  slipway(...args: readonly string[]): Promise<Ran>;
  /** What users get, `null` when nobody answers: `{ version }` from the version that serves. */
  served(): Promise<string | null>;
  /** `slipway status --json` of this service. */
  status(): Promise<Status>;
}

/** The part of `slipway status --json` these tests look at. */
export interface Status {
  readonly serving: string | null;
  readonly locked: boolean;
  readonly inFlight: number;
  readonly running: readonly string[];
}

/** One state directory (agent, worker, PostgreSQL) that any number of small services share. */
export interface SmallRig {
  readonly folder: string;
  readonly home: string;
  service(name: string): Promise<SmallService>;
  /** Ends the agent, what it supervises and PostgreSQL; removes everything. */
  close(): Promise<void>;
}

/** @param variables go to every command, so also to the agent and worker the first release starts */
export async function makeSmallRig(variables: Readonly<Record<string, string>> = {}): Promise<SmallRig> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'slipway-bad-input-')));
  const home = variables['SLIPWAY_HOME'] ?? join(folder, 'home');
  const environment = { PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`, HOME: folder, SLIPWAY_HOME: home, ...variables };
  return {
    folder,
    home,
    service: (name) => makeService(join(folder, name), name, environment),
    close: async () => {
      await endHome(home);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Ends whatever runs for a state directory. */
export async function endHome(home: string): Promise<void> {
  const { agentStatus, stopAgent } = await import('../../../src/server/index.ts');
  const { systemClock } = await import('../../../src/kernel/index.ts');
  if ((await agentStatus(home)) !== null) await stopAgent(home, systemClock, { all: true });
  const postmaster = runningPostmaster(join(home, 'store', 'pg'));
  if (postmaster !== null) process.kill(postmaster, 'SIGQUIT');
}
