import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { EventSourceMessage } from 'eventsource-parser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type FlagsClient, type NodeClientOptions } from '../../packages/flags/src/node.ts';
import { awaitDelivery, deliveryOf } from '../../src/flags/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { aFlag, openBed, until, type Bed, type Served } from '../server/bed.ts';
import { listen } from '../server/listen.ts';

let bed: Bed;
let token: string;
const clients: FlagsClient[] = [];
const ends: (() => void)[] = [];
beforeEach(async () => {
  bed = await openBed();
  token = await bed.token(['server-evaluate']);
  await bed.write([['kill-me', aFlag()]], 'create');
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  ends.splice(0).forEach((end) => end());
  await bed.stop();
});

async function begin(url: string, options: Partial<NodeClientOptions> = {}): Promise<FlagsClient> {
  const client = createClient({ url, token, initTimeoutMs: 20_000, log: () => undefined, ...options });
  clients.push(client);
  await client.ready;
  return client;
}
const isOn = (client: FlagsClient): boolean => client.boolean('kill-me', {}, false);
const off = aFlag({ enabled: false });

/** A way to a server that stays while servers come and go, and that can go silent without an end. */
interface Way {
  readonly url: string;
  leadsTo(server: Served): void;
  /** Takes bytes and delivers none, on connections that are there and on new ones. */
  stall(): void;
  flow(): void;
  /** Ends the connections that are there. */
  cut(): void;
  /** How many connections were made. */
  connections(): number;
}

async function openWay(): Promise<Way> {
  let port = 0;
  let stalled = false;
  let connections = 0;
  const open = new Set<Socket>();
  const server = createServer((near) => {
    connections += 1;
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('data', (bytes: Buffer) => stalled || to.write(bytes));
      from
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(from);
          // Half open: the other end never hears of it.
          if (!stalled) to.destroy();
        });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    open.forEach((socket) => socket.destroy());
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadsTo: (to) => void ({ port } = to),
    stall: () => void (stalled = true),
    flow: () => void (stalled = false),
    cut: () => open.forEach((socket) => socket.destroy()),
    connections: () => connections,
  };
}

async function killHard({ child }: Served): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** A client that is not ours: it believes what it hears, says so when it is asked to, and comes back when its stream ends. */
function follow(url: string, client: string): { readonly hasKill: () => boolean; readonly isConnected: () => boolean } {
  let process = '';
  let position = '';
  let enabled = true;
  let connected = false;
  let closed = false;
  let close = (): void => undefined;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const acknowledge = (seq: number): void =>
    void fetch(`${url}/flags/v1/acknowledge`, { method: 'POST', headers, body: JSON.stringify({ client, seq, process }) }).catch(
      // The process it was for is gone; the next one learns it from the position.
      () => undefined,
    );
  const hear = ({ event, data, id }: EventSourceMessage): void => {
    connected = true;
    const said = JSON.parse(data) as { readonly process?: string; readonly seq?: number; readonly payload?: string };
    process = said.process ?? process;
    position = id ?? position;
    if (event === 'acknowledge') acknowledge(said.seq ?? 0);
    if (said.payload === undefined) return;
    const { seq, flags, acknowledge: asks } = JSON.parse(said.payload) as Told;
    enabled = flags['kill-me']?.enabled ?? enabled;
    if (asks === true) acknowledge(seq);
  };
  const come = async (): Promise<void> => {
    if (closed) return;
    const since = position === '' ? {} : { 'last-event-id': position };
    const ended = (): void => {
      connected = false;
      void come();
    };
    const heard = await listen(`${url}/flags/v1/stream?client=${client}`, { ...headers, ...since }, (event) =>
      event === null ? ended() : hear(event),
    ).catch(() => null);
    if (heard !== null) return void (close = heard.close);
    await systemClock.sleep(100);
    return come();
  };
  ends.push(() => {
    closed = true;
    close();
  });
  void come();
  return { hasKill: () => !enabled, isConnected: () => connected };
}

interface Told {
  readonly seq: number;
  readonly flags: Readonly<Record<string, { readonly enabled: boolean }>>;
  readonly acknowledge?: boolean;
}

describe('a fault between a kill and its clients', () => {
  it('kill -9 of the server when half of two hundred streams have heard: all have it from another one, and only then it is complete', async () => {
    const [heardWay, stalledWay] = [await openWay(), await openWay()];
    const [first, next] = await Promise.all([bed.serve(), bed.serve()]);
    for (const way of [heardWay, stalledWay]) way.leadsTo(first);
    const hundred = (way: Way, name: string) => Array.from({ length: 100 }, (_, at) => follow(way.url, `${name}-${at}`));
    const [hearing, stalled] = [hundred(heardWay, 'hearing'), hundred(stalledWay, 'stalled')];
    const all = [...hearing, ...stalled];
    const reach = () => bed.store.telemetry.reach('dev');
    await until(async () => (await reach()).some(({ connected }) => connected === all.length));
    stalledWay.stall();
    const change = await bed.write([['kill-me', off]], 'kill');
    const over = new AbortController();
    let early = 0;
    const watching = (async () => {
      while (!over.signal.aborted) {
        if (deliveryOf(await reach(), change.seq).complete && !all.every((one) => one.hasKill())) early += 1;
        await systemClock.sleep(20);
      }
    })();
    await until(() => hearing.some((one) => one.hasKill()));
    await killHard(first);
    expect(stalled.some((one) => one.hasKill())).toBe(false);
    // Of the minute that those have who lost their server, the test waits for none: only what is said in it counts.
    await until(async () => (await reach()).some(({ pid, ended }) => pid === first.child.pid && ended !== null));
    const { ended } = deliveryOf(await reach(), change.seq);
    expect(ended).toMatchObject([{ pid: first.child.pid }]);
    expect(ended[0]?.clients).toBeGreaterThanOrEqual(stalled.length);
    for (const way of [heardWay, stalledWay]) {
      way.leadsTo(next);
      way.flow();
      way.cut();
    }
    await until(async () => (await reach()).some(({ seq, acknowledged }) => seq === change.seq && acknowledged === all.length));
    expect(all.filter((one) => one.hasKill() && one.isConnected())).toHaveLength(all.length);
    expect(deliveryOf(await reach(), change.seq)).toMatchObject({ servers: 1, connected: all.length, complete: false });
    await bed.query(`update slipway.flag_server set ended_at = ended_at - interval '61 seconds'`);
    const wait = { telemetry: bed.store.telemetry, clock: systemClock };
    expect(await awaitDelivery(wait, change, 20_000, new AbortController().signal)).toMatchObject({ complete: true, ended: [] });
    over.abort();
    await watching;
    expect(early).toBe(0);
  });

  it('kill -9 of the server in the middle of telling a herd: all come back to the next one, and all have it within 10 s', async () => {
    const way = await openWay();
    const first = await bed.serve();
    way.leadsTo(first);
    const herd = await Promise.all(Array.from({ length: 40 }, () => begin(way.url)));
    // The change is committed, and the server dies before, while or after it says so.
    const writing = bed.write([['kill-me', off]], 'kill');
    await killHard(first);
    await writing;
    expect(herd.every((client) => client.status().source === 'server')).toBe(true);
    const next = await bed.serve();
    // From here on: how often they try while nobody is there depends on how long this machine takes for a server to begin.
    const before = way.connections();
    way.leadsTo(next);
    await until(() => herd.every((client) => !isOn(client) && client.status().state === 'READY'));
    // A stream and an acknowledgement each, and a try or two that was on its way: no storm.
    expect(way.connections() - before).toBeLessThan(40 * 6);
  });

  it('a server that stops says good-bye, and its clients go on with the next one without the whole', async () => {
    const way = await openWay();
    const first = await bed.serve();
    way.leadsTo(first);
    const client = await begin(way.url);
    const next = await bed.serve();
    way.leadsTo(next);
    expect(await first.stop()).toBe(0);
    await bed.write([['kill-me', off]], 'kill');
    await until(() => !isOn(client));
    expect(client.status()).toMatchObject({ state: 'READY', problem: null });
  });

  it('a connection that is dead without an end is given up and made again', async () => {
    const way = await openWay();
    way.leadsTo(await bed.serve());
    const client = await begin(way.url, { timings: { readTimeoutMs: 700, pollMs: 60_000 } });
    way.stall();
    await bed.write([['kill-me', off]], 'kill');
    await until(() => way.connections() >= 3);
    expect(isOn(client)).toBe(true);
    way.flow();
    await until(() => !isOn(client));
  });
});
