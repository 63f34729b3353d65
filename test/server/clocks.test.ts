import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { awaitDelivery, createToken } from '../../src/flags/index.ts';
import { systemClock, systemIds, toIso, type Duration } from '../../src/kernel/index.ts';
import { CHILD_ENVIRONMENT } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { aFlag, openBed, until, type Answer, type Bed, type Served } from './bed.ts';
import { listen } from './listen.ts';

const HOUR_MS = 3_600_000;
const HALF_MS = HOUR_MS / 2;
const MINUTE_MS = 60_000;
const BULK = 'POST /ofrep/v1/evaluate/flags';

/** What a process is started with whose clock is ahead of the database's by so much. */
const movedBy = (byMs: Duration): Readonly<Record<string, string>> => ({
  TEST_CLOCK_BY_MS: String(byMs),
  NODE_OPTIONS: `--import=${new URL('moved-clock.ts', import.meta.url).href}`,
});

let bed: Bed;
let began: number;
let token: string;
let servers: readonly Served[];
let clients: readonly Client[];
beforeAll(async () => {
  began = systemClock.now();
  bed = await openBed();
  await bed.write([['release_on', aFlag({ stale: { afterMs: MINUTE_MS } })]], 'create');
  token = await bed.token(['client-evaluate', 'server-evaluate', 'write']);
  servers = await Promise.all([HOUR_MS, -HOUR_MS].map((by) => bed.serveIn(movedBy(by))));
  // The clock of each client is two hours from that of its server.
  clients = servers.map(({ base }, at) => begin(base, at === 0 ? -HOUR_MS : HOUR_MS));
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await bed.stop();
});

interface Told {
  readonly on: boolean;
  readonly state: string;
  readonly staleForMs: number;
  readonly now: number;
}

interface Client {
  ask(): Promise<Told>;
  close(): Promise<void>;
}

/** A client of the flags in a process of its own. */
function begin(url: string, byMs: Duration): Client {
  const env = { ...CHILD_ENVIRONMENT, ...movedBy(byMs), TEST_URL: url, TEST_TOKEN: token };
  const child = spawn(process.execPath, [new URL('clock-client.ts', import.meta.url).pathname], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async () => {
      child.stdin.write('\n');
      return JSON.parse((await lines.next()).value ?? '') as Told;
    },
    close: async () => {
      child.stdin.end();
      await gone;
    },
  };
}

const evaluate = (one: Served, by = token): Promise<Answer> => one.call(BULK, { token: by, body: { context: {} } });
/** A token by the database's clock, which is this process's too. */
const expiring = async (inMs: Duration): Promise<string> => {
  const draft = {
    environment: 'dev',
    scopes: ['client-evaluate'],
    description: '',
    actor: 'ann',
    expiresAt: systemClock.now() + inMs,
  } as const;
  return (await createToken({ ...bed.store, ids: systemIds }, draft)).text;
};

it('nothing looks stale to anybody because clocks differ', async () => {
  await until(async () => (await Promise.all(clients.map((client) => client.ask()))).every(({ on }) => on));
  for (const [at, client] of clients.entries()) {
    const { now, ...told } = await client.ask();
    expect(told).toEqual({ on: true, state: 'READY', staleForMs: 0 });
    // It is as the test would have it.
    expect(Math.sign(now - systemClock.now())).toBe(at === 0 ? -1 : 1);
  }
  for (const one of servers) {
    expect((await one.call('GET /health/current')).json).toEqual({ status: 'ready', store: { reachable: true, behindMs: 0 } });
    const answer = await evaluate(one);
    expect([answer.headers.get('slipway-behind-ms'), answer.text]).toEqual([null, expect.stringContaining('STATIC')]);
    expect((await one.call('GET /flags/v1/snapshot', { token })).headers.get('age')).toBe('0');
  }
});

it('tokens, and the streams they open, last as long as the database says', async () => {
  const [good, over, soon] = await Promise.all([expiring(HALF_MS), expiring(-HALF_MS), expiring(500)]);
  for (const one of servers) {
    expect([(await evaluate(one, good)).status, (await evaluate(one, over)).status]).toEqual([200, 401]);
    await until(async () => (await evaluate(one, soon)).status === 401);
    const ending = (inMs: Duration) =>
      one.call('POST /api/v1/tokens', { token, body: { scopes: ['client-evaluate'], expiresAt: toIso(systemClock.now() + inMs) } });
    expect([(await ending(HALF_MS)).status, (await ending(-HALF_MS)).status]).toEqual([201, 400]);
    const [stream] = (await evaluate(one)).json['eventStreams'] as readonly { readonly endpoint: { readonly requestUri: string } }[];
    // A balancer takes the stream to any of them.
    for (const { base } of servers) {
      const heard = await listen(`${base}${stream?.endpoint.requestUri ?? ''}`);
      expect(heard.status).toBe(200);
      heard.close();
    }
  }
});

it.each([HOUR_MS, -HOUR_MS])('a token that is made with a clock that is %d ms ahead lasts as long as was asked for', async (by) => {
  const { exit } = await bed.cliIn(
    movedBy(by),
    'token',
    'create',
    '--scope',
    'kill',
    '--expires',
    '30m',
    '--env',
    'dev',
    '--description',
    `cli ${by}`,
  );
  expect(exit).toBe(0);
  const lasts = `select extract(epoch from expires_at - created_at)::int as s from slipway.token where description = 'cli ${by}'`;
  expect(Math.abs(Number((await bed.query(lasts))[0]?.['s']) * 1_000 - HALF_MS)).toBeLessThan(MINUTE_MS);
});

it('a kill is complete, and how long it took is neither negative nor hours', async () => {
  const change = await bed.write([['release_on', aFlag({ enabled: false })]], 'kill');
  const wait = { telemetry: bed.store.telemetry, clock: systemClock };
  const reached = await awaitDelivery(wait, change, 20_000, new AbortController().signal);
  expect(reached).toMatchObject({ servers: 2, connected: 2, acknowledged: 2, complete: true });
  for (const { p50Ms, p99Ms, lastMs } of await bed.store.telemetry.reach('dev'))
    for (const took of [p50Ms, p99Ms, lastMs]) {
      expect(took).toBeGreaterThanOrEqual(0);
      expect(took).toBeLessThan(HALF_MS);
    }
  for (const client of clients) expect(await client.ask()).toMatchObject({ on: false, state: 'READY' });
});

it('what was served is counted in the hour in which it was, by the database', async () => {
  await Promise.all(clients.map((client) => client.close()));
  // Written by the servers when they end, at the latest.
  await Promise.all(servers.map((one) => one.stop()));
  const counted = await bed.query("select hour from slipway.flag_count where flag = 'release_on'");
  expect(counted.length).toBeGreaterThan(0);
  for (const { hour } of counted) {
    const at = (hour as Date).getTime();
    expect([at > began - HOUR_MS, at <= systemClock.now()]).toEqual([true, true]);
  }
});

it('before the time of the database is known no token is judged', async () => {
  const good = await expiring(HALF_MS);
  // Nobody can register meanwhile.
  const locked = bed.query('begin; lock table slipway.flag_server in access exclusive mode; select pg_sleep(60)').catch(() => []);
  const holders = () => bed.query(`select pid from pg_stat_activity where wait_event = 'PgSleep'`);
  await until(async () => (await holders()).length === 1);
  const port = await freePort();
  const starting = bed.serveIn(movedBy(HOUR_MS), '--port', String(port));
  const statuses = new Set<number>();
  const ask = async (): Promise<number> => {
    const asked = { method: 'POST', headers: { 'x-api-key': good }, body: '{"context":{}}' };
    const { status } = await fetch(`http://127.0.0.1:${port}/ofrep/v1/evaluate/flags`, asked);
    statuses.add(status);
    return status;
  };
  await until(async () => (await ask().catch(() => 0)) > 0);
  await bed.query(`select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'`);
  await Promise.all([locked, starting]);
  await until(async () => (await ask()) === 200);
  expect(statuses).toEqual(new Set([503, 200]));
});
