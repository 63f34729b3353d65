/**
 * CPU per request of the embedded router beside a direct connection and beside HAProxy. Rounds are paired (each round
 * measures every subject once, in random order), so a busy machine disturbs all of them alike; figures are medians.
 * `node bench/router.ts` prints a table and, with `--json`, the result as JSON.
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type BenchResult, type BenchRow, formatResult } from './result.ts';
import { median, shuffled } from './stats.ts';

const ROUNDS = 7;
const REQUESTS = 3_000;
const CONNECTIONS = 8;
/** No new round begins after this, so the whole run stays under 40 s on a slow machine. */
const BUDGET_MS = 25_000;

/** One way to reach the backend. `pid` is the process whose CPU is the price: the router, or the backend itself when direct. */
interface Subject {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

interface Sample {
  readonly cpuUs: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

/** Measures and cleans up after itself; bounded to about 40 s, on 127.0.0.1 only. Linux only, as it reads `/proc`. */
export async function benchRouter(): Promise<BenchResult> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const children: ChildProcess[] = [];
  try {
    const load = start(children, 'load.ts', []);
    const backend = start(children, 'backend.ts', []);
    const backendPort = await portOf(backend);
    const router = start(children, 'embedded.ts', [join(directory, 'router'), String(await freePort()), String(backendPort)]);
    const subjects: Subject[] = [
      { name: 'direct (the service itself)', port: backendPort, pid: pidOf(backend) },
      { name: 'embedded router', port: await portOf(router), pid: pidOf(router) },
    ];
    const haproxy = await startHaproxy(children, directory, backendPort);
    if (haproxy !== null) subjects.push(haproxy);
    const samples = await measure(load, subjects);
    const rounds = samples.get('embedded router')?.length ?? 0;
    const notes = [
      `${rounds} paired rounds of ${REQUESTS} GETs over ${CONNECTIONS} connections, 270-byte answers, ${cpus().length} cores shared by client, router and service; medians; ratios against direct in the same round`,
    ];
    if (haproxy === null) notes.push('HAProxy skipped: not on PATH (Debian: apt-get install --no-install-recommends haproxy)');
    return { name: 'router', unit: 'CPU us per request', rows: subjects.map(({ name }) => rowOf(name, samples)), notes };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(load: ChildProcess, subjects: readonly Subject[]): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]));
  // Compiles the hot paths and opens the connections before anything is counted.
  for (const subject of subjects) await sample(load, subject);
  const end = performance.now() + BUDGET_MS;
  for (let round = 0; round < ROUNDS && performance.now() < end; round++) {
    for (const subject of shuffled(subjects)) samples.get(subject.name)?.push(await sample(load, subject));
  }
  return samples;
}

async function sample(load: ChildProcess, { port, pid }: Subject): Promise<Sample> {
  const before = await cpuNanoseconds(pid);
  load.send({ port, requests: REQUESTS, connections: CONNECTIONS });
  const [report] = (await once(load, 'message')) as [
    { readonly seconds: number; readonly p50Ms: number; readonly p99Ms: number; readonly failed: number },
  ];
  const cpuUs = ((await cpuNanoseconds(pid)) - before) / 1_000 / REQUESTS;
  return { cpuUs, perSecond: REQUESTS / report.seconds, p50Ms: report.p50Ms, p99Ms: report.p99Ms, failed: report.failed };
}

function rowOf(name: string, samples: ReadonlyMap<string, readonly Sample[]>): BenchRow {
  const own = samples.get(name) ?? [];
  const direct = samples.get('direct (the service itself)') ?? [];
  const ratio = (figure: (one: Sample) => number): number => median(own.map((one, round) => figure(one) / figure(direct[round] ?? one)));
  const figures = {
    'CPU us/request': median(own.map(({ cpuUs }) => cpuUs)),
    'least CPU us': Math.min(...own.map(({ cpuUs }) => cpuUs)),
    'CPU x': ratio(({ cpuUs }) => cpuUs),
    'requests/s': median(own.map(({ perSecond }) => perSecond)),
    'rate x': ratio(({ perSecond }) => perSecond),
    'p50 x': ratio(({ p50Ms }) => p50Ms),
    'p99 x': ratio(({ p99Ms }) => p99Ms),
    failed: own.reduce((sum, { failed }) => sum + failed, 0),
  };
  return { subject: name, figures };
}

/** CPU time of all threads, from the scheduler's own nanosecond account. */
async function cpuNanoseconds(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const texts = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')));
  return texts.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0);
}

async function startHaproxy(children: ChildProcess[], directory: string, backendPort: number): Promise<Subject | null> {
  if (spawnSync('haproxy', ['-v'], { stdio: 'ignore' }).status !== 0) return null;
  const port = await freePort();
  const file = join(directory, 'haproxy.cfg');
  await writeFile(
    file,
    [
      'global',
      '  nbthread 1',
      'defaults',
      '  mode http',
      '  timeout connect 2s',
      '  timeout client 75s',
      '  timeout server 60s',
      '  option http-keep-alive',
      '  http-reuse always',
      '  option forwardfor',
      'listen bench',
      `  bind 127.0.0.1:${port}`,
      `  server one 127.0.0.1:${backendPort}`,
      '',
    ].join('\n'),
  );
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
  children.push(child);
  await reachable(port);
  return { name: 'HAProxy (one thread, no log)', port, pid: pidOf(child) };
}

async function reachable(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await delay(50);
  }
  throw new Error(`Nothing listens on 127.0.0.1:${port} after 5 s`);
}

function start(children: ChildProcess[], file: string, args: readonly string[]): ChildProcess {
  const child = fork(fileURLToPath(new URL(`./router/${file}`, import.meta.url)), [...args]);
  children.push(child);
  return child;
}

async function portOf(child: ChildProcess): Promise<number> {
  const [message] = (await once(child, 'message')) as [{ readonly port: number }];
  return message.port;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error(`Could not start ${child.spawnfile}`);
  return child.pid;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

if (import.meta.main) {
  const result = await benchRouter();
  process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(result, null, 2)}\n` : `${formatResult(result)}\n`);
}
