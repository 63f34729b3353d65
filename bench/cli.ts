import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/kernel/index.ts';
import { openStore } from '../src/store/index.ts';
import type { BenchResult } from './result.ts';
import { median, shuffled, spread, timed } from './stats.ts';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const ROUNDS = 20;
const TARGET_MS = 100;

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'node -e 0': ['-e', '0'],
  'slipway --version': [MAIN, '--version'],
  'slipway --help': [MAIN, '--help'],
  'slipway release --help': [MAIN, 'release', '--help'],
  'slipway list (PostgreSQL runs)': [MAIN, 'list'],
};

/** Start to exit of commands that should feel instant, beside an empty Node. Paired rounds in random order. */
export async function benchCli(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const home = join(folder, 'home');
  const environment = { ...process.env, SLIPWAY_HOME: home };
  // Held open, or each `list` would start and stop the server.
  const store = await openStore({
    home,
    node: 'bench:/state',
    clock: systemClock,
    lease: { leaseMs: 15_000, renewMs: 3_000, marginMs: 3_000 },
  });
  try {
    await store.store.list({ limit: 1 });
    const samples = await measure(folder, environment);
    const empty = samples.get('node -e 0') ?? [];
    const rows = [...samples].map(([subject, own]) => ({
      subject,
      figures: { ...spread(own), 'x node': median(own.map((ms, round) => ms / (empty[round] ?? Number.NaN))) },
    }));
    const version = median(samples.get('slipway --version') ?? []);
    return {
      name: 'cli',
      unit: 'ms from start to exit',
      rows,
      notes: [
        `${ROUNDS} paired rounds; ratios against an empty Node in the same round`,
        `target: --version in at most ${TARGET_MS} ms: ${version <= TARGET_MS ? 'met' : 'MISSED'}; ${(version - median(empty)).toFixed(0)} ms of it are ours`,
      ],
    };
  } finally {
    await store.close();
    await store.embedded?.stop('immediate');
    if (store.embedded !== null) await rm(store.embedded.socketDirectory, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, environment: NodeJS.ProcessEnv): Promise<ReadonlyMap<string, readonly number[]>> {
  const samples = new Map<string, number[]>(Object.keys(COMMANDS).map((name) => [name, []]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, args] of shuffled(Object.entries(COMMANDS))) {
      const ms = await timed(() => run(args, folder, environment));
      // The first round only fills the disk cache.
      if (round >= 0) samples.get(name)?.push(ms);
    }
  }
  return samples;
}

async function run(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, [...args], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${said}`);
}
