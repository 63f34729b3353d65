import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type FlagsClient, type NodeClientOptions } from '../../packages/flags/src/node.ts';
import { aFlag, openBed, until, type Bed, type Served } from '../server/bed.ts';

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
    connections: () => connections,
  };
}

async function killHard({ child }: Served): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

describe('a fault between a kill and its clients', () => {
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
    const before = way.connections();
    way.leadsTo(await bed.serve());
    await until(() => herd.every((client) => !isOn(client) && client.status().state === 'READY'));
    // A stream and an acknowledgement each, and a try or two while nobody was there: no storm.
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
