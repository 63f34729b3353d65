/**
 * What `slipway serve` costs: OFREP requests per second of the server's CPU, and its memory, with 1, 100 and 1,000 flags.
 * The server is the built program, on a store of its own; requests come over kept-alive connections from a process beside it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createToken, type Flag, type WantedWrite } from '../src/flags/index.ts';
import { systemClock, systemIds } from '../src/kernel/index.ts';
import { openStore, type OpenStore } from '../src/store/index.ts';
import { type BenchResult, type BenchRow, formatResult } from './result.ts';
import { startServer, type ServerProcess } from './server-process.ts';
import { median, shuffled } from './stats.ts';

const SIZES = [1, 100, 1_000] as const;
const ROUNDS = 5;
const CONNECTIONS = 8;
/** No new round begins after this. */
const BUDGET_MS = 40_000;
const CONTEXTS = 256;

type Kind = 'single' | 'bulk' | 'bulk, each context new' | 'bulk, 304';
const REQUESTS: Readonly<Record<Kind, number>> = { single: 3_000, bulk: 1_500, 'bulk, each context new': 300, 'bulk, 304': 2_000 };
const KINDS = Object.keys(REQUESTS) as readonly Kind[];

interface Sample {
  readonly perCpuSecond: number;
  readonly bytes: number;
  readonly failed: number;
}

/** Measures and cleans up after itself, on 127.0.0.1 only. Linux only, as it reads `/proc`; needs `npm run build`. */
export async function benchFlagsServer(): Promise<readonly BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const lease = { leaseMs: 15_000, renewMs: 3_000, marginMs: 3_000 };
  const store = await openStore({ home, node: 'bench', clock: systemClock, lease });
  const load = fork(fileURLToPath(new URL('./flags-server/load.ts', import.meta.url)));
  try {
    const rows: BenchRow[] = [];
    for (const size of SIZES) rows.push(...(await measureSize(home, store, load, size)));
    const notes = [
      `Up to ${ROUNDS} rounds, kinds in random order within each, ${CONNECTIONS} connections; medians. A flag has two rules on attributes and a split. CPU of all threads of the server.`,
      `"single" asks for one flag, "bulk" for all with one of ${CONTEXTS} contexts asked before; "each context new" evaluates every time; "304" shows the ETag.`,
    ];
    return [{ name: 'flags-server', unit: 'requests per server CPU second', rows, notes }];
  } finally {
    load.kill('SIGKILL');
    await store.close();
    await store.embedded?.stop('fast');
    await rm(home, { recursive: true, force: true });
  }
}

async function measureSize(home: string, store: OpenStore, load: ChildProcess, size: number): Promise<readonly BenchRow[]> {
  const environment = `size-${size}`;
  await fill(store, environment, size);
  const made = await createToken(
    { ...store, ids: systemIds },
    { environment, scopes: ['client-evaluate'], description: 'bench', actor: 'bench', expiresAt: null },
  );
  const server = await startServer(home, ['--port', '0', '--rate', '1000000']);
  const idle = server.rssMb();
  try {
    const samples = new Map<Kind, Sample[]>(KINDS.map((kind) => [kind, []]));
    const one = async (kind: Kind): Promise<Sample> => sample(load, { server, token: made.text, size }, kind);
    for (const kind of KINDS) await one(kind);
    const end = performance.now() + BUDGET_MS / SIZES.length;
    for (let round = 0; round < ROUNDS && performance.now() < end; round++)
      for (const kind of shuffled(KINDS)) samples.get(kind)?.push(await one(kind));
    const busy = server.rssMb();
    return KINDS.map((kind) => {
      const own = samples.get(kind) ?? [];
      return {
        subject: `${kind}, ${size} ${size === 1 ? 'flag' : 'flags'}`,
        figures: {
          'requests/CPU s': median(own.map(({ perCpuSecond }) => perCpuSecond)),
          'body KB': (own[0]?.bytes ?? 0) / 1_000,
          'RSS MB idle': idle,
          'RSS MB after': busy,
          failed: own.reduce((sum, { failed }) => sum + failed, 0),
        },
      };
    });
  } finally {
    await server.end('SIGTERM');
  }
}

async function fill(store: OpenStore, environment: string, size: number): Promise<void> {
  const writes = Array.from({ length: size }, (_, at): WantedWrite => {
    const key = `release_bench_${at}`;
    return { kind: 'flag', key, revision: null, after: flagOf(key) };
  });
  await store.flags.commit({ environment, actor: 'bench', reason: 'bench', action: 'create', acknowledge: false, writes });
}

function flagOf(salt: string): Flag {
  const about = {
    name: '',
    description: '',
    owner: 'bench',
    tags: [],
    createdAt: '2026-01-01T00:00:00.000Z',
    expiresAt: '2027-01-01T00:00:00.000Z',
  };
  return {
    type: 'release',
    valueType: 'boolean',
    variants: { on: true, off: false },
    enabled: true,
    off: 'off',
    rules: [
      { name: 'staff', when: { attribute: 'email', operator: 'endsWith', values: ['@bench.example'] }, serve: { variant: 'on' } },
      { name: 'new', when: { attribute: 'version', operator: 'semverGt', value: '9.0.0' }, serve: { variant: 'on' } },
    ],
    default: {
      weights: [
        { variant: 'on', weight: 50_000 },
        { variant: 'off', weight: 50_000 },
      ],
    },
    prerequisites: [],
    salt,
    hash: 1,
    stale: null,
    about,
  };
}

interface Asked {
  readonly server: ServerProcess;
  readonly token: string;
  readonly size: number;
}

async function sample(load: ChildProcess, { server, token, size }: Asked, kind: Kind): Promise<Sample> {
  const requests = REQUESTS[kind];
  const before = server.cpuSeconds();
  load.send({ port: server.port, token, size, kind, requests, connections: CONNECTIONS, contexts: CONTEXTS });
  const [report] = (await once(load, 'message')) as [{ readonly bytes: number; readonly failed: number }];
  return { perCpuSecond: requests / (server.cpuSeconds() - before), ...report };
}

if (import.meta.main) for (const result of await benchFlagsServer()) process.stdout.write(`${formatResult(result)}\n`);
