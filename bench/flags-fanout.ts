/**
 * How soon a kill reaches clients of `slipway serve`: our own SDK on an idle server, and a crowd of ten thousand; and how the crowd comes
 * back when the server is started again. The server is the built program. All on 127.0.0.1; Linux only, as it reads `/proc`.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from '../packages/flags/src/node.ts';
import { awaitDelivery, createToken, type Flag, type FlagChange } from '../src/flags/index.ts';
import { systemClock, systemIds } from '../src/kernel/index.ts';
import { openStore, type OpenStore } from '../src/store/index.ts';
import type { Ways } from './flags-fanout/acknowledgements.ts';
import type { Answer, Question } from './flags-fanout/crowd.ts';
import { formatResult, type BenchResult, type BenchRow } from './result.ts';
import { startServer, type ServerProcess } from './server-process.ts';
import { OFF_FLAG } from '../test/support/flag.ts';

const ENVIRONMENT = 'bench';
const CROWD = 10_000;
/** Files that the server and the crowd have open beside a socket for each client. */
const OTHER_FILES = 1_000;
const KILLS_OF_ONE = 40;
const KILLS_OF_ALL: readonly Ways[] = ['kept', 'kept', 'kept', 'own', 'own'];
/** How long a row is waited for. */
const PATIENCE_MS = 30_000;

/** Measures and cleans up after itself. */
export async function benchFlagsFanout(): Promise<readonly BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const lease = { leaseMs: 15_000, renewMs: 3_000, marginMs: 3_000 };
  const store = await openStore({ home, node: 'bench', clock: systemClock, lease });
  const draft = { environment: ENVIRONMENT, scopes: ['server-evaluate'], description: 'bench', actor: 'bench', expiresAt: null } as const;
  const { text: token } = await createToken({ ...store, ids: systemIds }, draft);
  const bed: Bed = { home, token, store, toggle: toggler(store), children: new Set() };
  try {
    await bed.toggle();
    return await measure(bed);
  } finally {
    for (const child of bed.children) child.kill('SIGKILL');
    await store.close();
    await store.embedded?.stop('immediate');
    await rm(home, { recursive: true, force: true });
  }
}

interface Bed {
  readonly home: string;
  readonly token: string;
  readonly store: OpenStore;
  /** Kills the flag, or takes that back, as the command line does. Answers when it began, in milliseconds since 1970. */
  readonly toggle: () => Promise<{ readonly change: FlagChange; readonly at: number }>;
  readonly children: Set<ChildProcess>;
}

const now = (): number => performance.timeOrigin + performance.now();

async function measure(bed: Bed): Promise<readonly BenchResult[]> {
  let server = await begin(bed, '0');
  const sdk: BenchRow = { subject: 'our SDK, one client', figures: await killsOfSdk(bed, server) };
  const before = server.rssMb();
  const clients = Math.min(CROWD, filesOf() - OTHER_FILES);
  const crowd = await gather(bed, server, clients);
  const bytes = ((server.rssMb() - before) * 1_048_576) / clients;
  const rows: BenchRow[] = [sdk];
  for (const ways of KILLS_OF_ALL) {
    const figures = await killOfAll(bed, server, crowd, ways);
    const subject = `${clients} clients, acknowledging by ${ways === 'kept' ? 'connections they keep' : 'a new connection each'}`;
    rows.push({ subject, figures: { ...figures, 'bytes/client': bytes } });
  }
  const herd: BenchRow[] = [];
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const again = await comeBack(bed, server, { crowd, clients, signal });
    ({ server } = again);
    const subject = signal === 'SIGTERM' ? 'told to stop, and started again' : 'kill -9, and started again';
    herd.push({ subject: `${clients} clients, server ${subject}`, figures: again.figures });
  }
  return [
    { name: 'flags-fanout', unit: 'ms from the beginning of the commit', rows, notes: NOTES },
    { name: 'flags-fanout: herd', unit: 'ms', rows: herd, notes: HERD_NOTES },
  ];
}

const NOTES = [
  'first to last: until clients had the kill. Clients of the crowd are sockets of one process beside the server, which parse and check the order of changes, and verify nothing',
  `all acknowledged: until the store said that every client has it, as \`slipway flag kill\` waits for; "-": not within ${PATIENCE_MS / 1_000} s`,
  'CPU: of all threads of the server, from the kill until all was acknowledged; MB: in RAM after it',
  'targets: p95 at most 250 ms for the SDK, p99 at most 1,000 ms for 10,000, all acknowledgements in',
];

const HERD_NOTES = [
  'A kill is committed while the server is away. p50 to last: until a client has it, from when the server serves again; "since stopped": from the signal',
  'Clients come back at the times of the SDK: drawn from within what the server asked for when it stopped, else full jitter that doubles from 1 s',
  'CPU: of the server from its start until every client has everything; tries and refused: connections for each client. Target: all within 10,000 ms',
];

async function begin({ home, children }: Bed, port: string): Promise<ServerProcess> {
  const server = await startServer(home, ['--port', port]);
  children.add(server.child);
  return server;
}

/** Soft limits are raised by Node itself, so the hard one counts. */
function filesOf(): number {
  return Number(/Max open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Number.POSITIVE_INFINITY);
}

async function killsOfSdk({ token, toggle }: Bed, { port }: ServerProcess): Promise<BenchRow['figures']> {
  const client = createClient({ url: `http://127.0.0.1:${port}`, token, initTimeoutMs: 20_000, log: () => undefined });
  await client.ready;
  const times: number[] = [];
  try {
    for (let index = 0; index < KILLS_OF_ONE; index++) {
      const seen = new Promise<number>((resolve) => {
        const stop = client.on('change', () => {
          stop();
          resolve(now());
        });
      });
      const { at } = await toggle();
      times.push((await seen) - at);
      await delay(50);
    }
  } finally {
    await client.close();
  }
  return quantiles(times);
}

interface Crowd {
  ask(question: Question): Promise<Answer>;
}

/** Answers when all are connected and have flags. */
async function gather({ token, children }: Bed, { port }: ServerProcess, clients: number): Promise<Crowd> {
  const program = fileURLToPath(new URL('flags-fanout/crowd.ts', import.meta.url));
  const child = fork(program, [String(port), token, String(clients)]);
  children.add(child);
  const failed = new Promise<never>((_, reject) => child.once('exit', (code) => reject(new Error(`the crowd ended with ${code}`))));
  failed.catch(() => undefined);
  await Promise.race([once(child, 'message'), failed]);
  return {
    ask: async (question) => {
      const answered = Promise.race([once(child, 'message'), failed]);
      child.send(question);
      const [answer] = (await answered) as [Answer];
      return answer;
    },
  };
}

async function killOfAll({ toggle, store }: Bed, server: ServerProcess, crowd: Crowd, ways: Ways): Promise<BenchRow['figures']> {
  await crowd.ask({ seq: 0, ways });
  await delay(2_000);
  const cpu = server.cpuSeconds();
  const { change, at } = await toggle();
  const parts = { telemetry: store.telemetry, clock: systemClock };
  const { complete, connected, acknowledged } = await awaitDelivery(parts, change, PATIENCE_MS, new AbortController().signal);
  const took = now() - at;
  const spent = (server.cpuSeconds() - cpu) * 1_000;
  const { arrivals } = await crowd.ask({ seq: change.seq, ways });
  if (arrivals.length !== connected) throw new Error(`${arrivals.length} of ${connected} have the kill`);
  const times = quantiles(arrivals.map((arrived) => arrived - at));
  return { ...times, 'all acknowledged': complete ? took : null, acknowledged, 'CPU ms': spent, MB: server.rssMb() };
}

interface Stop {
  readonly crowd: Crowd;
  readonly clients: number;
  readonly signal: 'SIGTERM' | 'SIGKILL';
}

async function comeBack(
  bed: Bed,
  server: ServerProcess,
  { crowd, clients, signal }: Stop,
): Promise<{ readonly server: ServerProcess; readonly figures: BenchRow['figures'] }> {
  // Connections of ten seconds count as such that worked.
  await delay(10_000);
  const before = await crowd.ask({ seq: 0, ways: 'kept' });
  const stopped = now();
  await server.end(signal);
  const { change } = await bed.toggle();
  const next = await begin(bed, String(server.port));
  const serving = now();
  let answer: Answer = { ...before, arrivals: [] };
  while (answer.arrivals.length < clients && now() - serving < PATIENCE_MS) {
    await delay(200);
    answer = await crowd.ask({ seq: change.seq, ways: 'kept' });
  }
  const { p50, p99, last } = quantiles(answer.arrivals.map((arrived) => arrived - serving));
  const all = answer.arrivals.length === clients;
  const sinceStopped = all ? (last ?? Number.NaN) + serving - stopped : null;
  const figures = {
    p50: p50 ?? null,
    p99: p99 ?? null,
    last: all ? (last ?? null) : null,
    'since stopped': sinceStopped,
    'CPU ms': next.cpuSeconds() * 1_000,
    tries: (answer.tries - before.tries) / clients,
    refused: (answer.refused - before.refused) / clients,
    MB: next.rssMb(),
  };
  return { server: next, figures };
}

function toggler(store: OpenStore): Bed['toggle'] {
  let last: { readonly revision: number | null; readonly enabled: boolean } = { revision: null, enabled: false };
  return async () => {
    const at = now();
    const after = { ...FLAG, enabled: !last.enabled };
    const writes = [{ kind: 'flag', key: 'ops_checkout', revision: last.revision, after }] as const;
    const what = { environment: ENVIRONMENT, actor: 'bench', reason: 'bench', action: 'kill', acknowledge: true, writes } as const;
    const change = await store.flags.commit(what);
    last = { revision: change.seq, enabled: after.enabled };
    return { change, at };
  };
}

const FLAG: Flag = { ...OFF_FLAG, type: 'ops', enabled: true, default: { variant: 'on' } };

function quantiles(times: readonly number[]): Record<string, number> {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { first: at(0), p50: at(0.5), p95: at(0.95), p99: at(0.99), last: at(1) };
}

if (import.meta.main) for (const result of await benchFlagsFanout()) process.stdout.write(`${formatResult(result)}\n`);
