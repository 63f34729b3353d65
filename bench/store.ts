import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { systemClock } from '../src/kernel/index.ts';
import type { Claim, EventData, NewEvent, Plan } from '../src/release/index.ts';
import { openStore, thisDriver, type OpenStore } from '../src/store/index.ts';
import type { BenchResult, BenchRow } from './result.ts';

const LEASE = { leaseMs: 15_000, renewMs: 3_000, marginMs: 3_000 };
const NODE = 'bench:/state';
const IDLE_MS = 10_000;

const intent: NewEvent = { type: 'step.intended', data: { step: 's', stage: 'deploy', attempt: 1, key: 'k' } };
const outcome: NewEvent = {
  type: 'step.finished',
  data: {
    step: 's',
    stage: 'deploy',
    attempt: 1,
    verdict: 'pass',
    reason: 'ok',
    retry: false,
    startedAt: '',
    finishedAt: '',
    checks: [],
    facts: {},
    log: null,
  } satisfies EventData['step.finished'],
};

/** Steps per second, what ten thousand waiting releases cost, and how soon a killed worker's release goes on. Embedded server. */
export async function benchStore(): Promise<BenchResult> {
  const home = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  const first = await timed(() => open(home));
  const store = first.value;
  try {
    const second = await timed(() => open(home));
    await second.value.close();
    const rows: BenchRow[] = [
      { subject: 'open the store, first ever', figures: { ms: first.ms } },
      { subject: 'open the store, running', figures: { ms: second.ms } },
      { subject: 'steps in one release', figures: { 'per second': await steps(store, 1, 300) } },
      { subject: 'steps in 20 releases at once', figures: { 'per second': await steps(store, 20, 40) } },
      { subject: 'worker killed with -9, first wake-up in the next', figures: { ms: await resume(store, home) } },
      { subject: 'idle worker', figures: await idle(store, home) },
    ];
    await parkMany(store, 10_000);
    rows.push({ subject: 'idle worker, 10,000 releases waiting', figures: await idle(store, home) });
    return {
      name: 'store',
      unit: 'see columns',
      rows,
      notes: [`idle figures over ${IDLE_MS / 1000} s; CPU in percent of one core, PostgreSQL's is of all its processes`],
    };
  } finally {
    await store.close();
    await store.embedded?.stop('immediate');
    if (store.embedded !== null) rmSync(store.embedded.socketDirectory, { recursive: true, force: true });
    rmSync(home, { recursive: true, force: true });
  }
}

function open(home: string): Promise<OpenStore> {
  return openStore({ home, node: NODE, clock: systemClock, lease: LEASE });
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const before = systemClock.monotonic();
  return { value: await work(), ms: systemClock.monotonic() - before };
}

let made = 0;

async function claimed({ store }: OpenStore, id = 'bench'): Promise<Claim> {
  const release = `bench${(made += 1)}`;
  const plan = {
    schema: 'slipway.plan/1',
    release,
    kind: 'release',
    service: release,
    environment: 'dev',
    version: '1',
    node: NODE,
  } as unknown as Plan;
  await store.submit({ plan, actor: 'bench', wait: false });
  const claim = await store.claim(release, thisDriver(id));
  if (claim === null) throw new Error('not claimed');
  return claim;
}

async function steps(open: OpenStore, releases: number, each: number): Promise<number> {
  const claims = await Promise.all(Array.from({ length: releases }, () => claimed(open)));
  const run = async (claim: Claim): Promise<void> => {
    for (let n = 0; n < each; n++) {
      await open.store.append(claim, [intent]);
      await open.store.append(claim, [outcome]);
    }
    await open.store.append(claim, [{ type: 'release.finished', data: { outcome: 'released', reason: '' } }]);
    await open.store.seal(claim, 'bench');
  };
  const { ms } = await timed(() => Promise.all(claims.map(run)));
  return (releases * each * 1000) / ms;
}

/** Rows as park leaves them, each with its timer tomorrow. */
async function parkMany(open: OpenStore, count: number): Promise<void> {
  const client = new Client({ connectionString: open.embedded?.url('slipway') });
  await client.connect();
  try {
    const { rows } = await client.query<{ readonly name: string }>(`select name from slipway_boss.queue where name like 'drive-%'`);
    await client.query(
      `insert into slipway.release (id, kind, service, environment, version, node, size, head, last_at, progress, requested_by, requested_at, wake_at)
       select 'parked' || n, 'release', 's' || n, 'prd', '1', $1, 1, 'x', now(), '{"outcome":null}', 'ann', now(), now() + interval '1 day' from generate_series(1, $2::int) n`,
      [NODE, count],
    );
    await client.query(
      `insert into slipway_boss.job (id, name, data, start_after, singleton_key, keep_until, policy, heartbeat_seconds)
       select gen_random_uuid(), $1, jsonb_build_object('release', 'parked' || n), now() + interval '1 day', 'parked' || n, now() + interval '1 year', 'standard', 20 from generate_series(1, $2::int) n`,
      [rows[0]?.name, count],
    );
  } finally {
    await client.end();
  }
}

/** A worker in a process of its own, which says when it works and when it is woken. */
async function startWorker(
  home: string,
  claims: boolean,
): Promise<{ readonly pid: number; line(text: string): Promise<void>; kill(): void }> {
  const source = `
    import { openStore, thisDriver } from ${JSON.stringify(join(import.meta.dirname, '../src/store/index.ts'))};
    import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../src/kernel/index.ts'))};
    const open = await openStore({ home: ${JSON.stringify(home)}, node: ${JSON.stringify(NODE)}, clock: systemClock, lease: ${JSON.stringify(LEASE)} });
    console.log('open');
    await open.wakeups.work(4, async (release) => {
      const claim = ${claims} ? await open.store.claim(release, thisDriver('worker')) : null;
      console.log(claim === null ? 'saw' : 'claimed', release);
      if (claim !== null) await new Promise(() => undefined);
    });
    console.log('working');`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    pid: child.pid ?? 0,
    line: async (text) => {
      while (!output.includes(text)) await systemClock.sleep(2);
    },
    kill: () => child.kill('SIGKILL'),
  };
}

async function resume(open: OpenStore, home: string): Promise<number> {
  const release = `bench${(made += 1)}`;
  const plan = {
    schema: 'slipway.plan/1',
    release,
    kind: 'release',
    service: release,
    environment: 'dev',
    version: '1',
    node: NODE,
  } as unknown as Plan;
  await open.store.submit({ plan, actor: 'bench', wait: false });
  const victim = await startWorker(home, true);
  await victim.line(`claimed ${release}`);
  victim.kill();
  const next = await startWorker(home, true);
  // From the opened store: the start of Node itself is measured elsewhere.
  await next.line('open');
  const { ms } = await timed(() => next.line(`claimed ${release}`));
  next.kill();
  return ms;
}

async function idle(open: OpenStore, home: string): Promise<Record<string, number>> {
  const worker = await startWorker(home, false);
  await worker.line('working');
  await systemClock.sleep(3_000);
  const before = [cpuMs([worker.pid]), cpuMs(serverPids(open))] as const;
  await systemClock.sleep(IDLE_MS);
  const after = [cpuMs([worker.pid]), cpuMs(serverPids(open))] as const;
  const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${worker.pid}/status`, 'utf8'))?.[1];
  worker.kill();
  return {
    'worker CPU %': ((after[0] - before[0]) / IDLE_MS) * 100,
    'PostgreSQL CPU %': ((after[1] - before[1]) / IDLE_MS) * 100,
    'worker MB': Number(resident) / 1024,
  };
}

function serverPids(open: OpenStore): readonly number[] {
  const postmaster = Number(readFileSync(join(open.embedded?.dataDirectory ?? '', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ').map(Number);
  return [postmaster, ...children];
}

/** User and system time, with that of children that ended (proc(5), fields 14 to 17), in ticks of 10 ms. */
function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return sum + fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) * 10;
    } catch {
      return sum;
    }
  }, 0);
}
