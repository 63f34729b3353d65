import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient, type FlagsClient } from '../../packages/flags/src/node.ts';
import { aFlag, openBed, until, type Bed, type Served } from './bed.ts';

let bed: Bed;
let stays: Served;
let token: string;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  bed = await openBed();
  stays = await bed.serve();
  token = await bed.token(['server-evaluate']);
  await bed.write([['release_on', aFlag()]], 'create');
});
afterAll(async () => {
  await Promise.all(ends.map((end) => end()));
  await bed.stop();
});

/** Takes each connection to the first that takes it, as a balancer before a rolling restart does. */
async function balance(...targets: readonly Served[]): Promise<string> {
  const open = new Set<Socket>();
  const join = (near: Socket, [first, ...others]: readonly Served[]): void => {
    if (first === undefined) return void near.destroy();
    const far = connect(first.port, '127.0.0.1');
    far.once('error', () => join(near, others));
    far.once('connect', () => {
      near.pipe(far).pipe(near);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const)
        one.on('error', () => undefined).once('close', () => other.destroy());
    });
  };
  const server = createServer((near) => {
    open.add(near.on('error', () => undefined).once('close', () => open.delete(near)));
    join(near, targets);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ends.push(() => {
    server.close();
    open.forEach((one) => one.destroy());
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function connected(...urls: readonly string[]): Promise<readonly FlagsClient[]> {
  const clients = urls.map((url) => createClient({ url, token, initTimeoutMs: 20_000, log: () => undefined }));
  ends.push(() => Promise.all(clients.map((client) => client.close())));
  await Promise.all(clients.map((client) => client.ready));
  await until(() => clients.every((client) => client.boolean('release_on', {}, false)));
  return clients;
}

/** How many clients a process said that it has. */
const clientsOf = async ({ child }: Served): Promise<number> =>
  (await bed.store.telemetry.servers()).find(({ pid, ended }) => pid === child.pid && ended === null)?.clients ?? 0;
// Half of the minute for which clients count that nobody knows of.
const kill = (within: string) => bed.cli('flag', 'kill', 'release_on', '--reason', 'it burns', '--within', within);

it('a kill right after a process was restarted is complete as soon as its clients are back, within the minute', async () => {
  const restarts = await bed.serve();
  const url = await balance(restarts, stays);
  const clients = await connected(url, url, url);
  await until(async () => (await clientsOf(restarts)) === 3);
  expect(await restarts.stop()).toBe(0);
  const { exit, out } = await kill('30s');
  expect([exit, out]).toEqual([0, expect.stringContaining('3 of 3 clients have it')]);
  expect(clients.map((client) => client.boolean('release_on', {}, true))).toEqual([false, false, false]);
  await bed.cli('flag', 'unkill', 'release_on', '--reason', 'repaired', '--within', '30s');
});

it('a kill waits for the one that is not back, and for nobody else', async () => {
  const restarts = await bed.serve();
  const url = await balance(restarts, stays);
  await connected(url, restarts.base, url);
  await until(async () => (await clientsOf(restarts)) === 3);
  expect(await restarts.stop()).toBe(0);
  await until(async () => (await clientsOf(stays)) === 5);
  await until(async () => (await bed.store.telemetry.awaited('nobody')).length === 1);
  const { exit, out } = await kill('5s');
  expect(exit, out).toBe(19);
  // By then or a moment later.
  await until(async () => (await bed.cli('flag', 'show', 'release_on')).out.includes('5 of 5 clients have it'));
  expect(out).toMatch(new RegExp(`\\n1 client of the server process ${restarts.child.pid} on \\S+, which had ended by`));
});
