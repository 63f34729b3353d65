import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../kernel/index.ts';
import { Ejector } from './ejector.ts';
import type { Haproxy, KnownServer } from './process.ts';
import type { Row } from './statistics.ts';
import type { Attempts } from './unanswered.ts';

const BACKEND = 'shop.prd.a';
const ONE = '127.0.0.1:1';
const TWO = '127.0.0.1:2';
const broke = (failed: number, answered = 0): Attempts => ({ answered, unanswered: failed, failed });

/** One process with two instances, of which nothing answers our questions unless it is given. */
function bed(first = ONE) {
  const said: string[] = [];
  const servers = new Map<string, KnownServer>([first, TWO].map((name) => [`${BACKEND}/${name}`, { state: 'ready', since: 0 }]));
  const time = { now: 0 };
  const ask = (command: string): Promise<string> => {
    said.push(command.replace(`set server ${BACKEND}/`, ''));
    return Promise.resolve('');
  };
  const process: Haproxy = {
    pid: 1,
    socket: '',
    runtime: { ask, close: () => undefined },
    frontends: new Set(),
    servers,
    hasEnded: () => false,
  };
  const clock: Clock = { now: () => 0, monotonic: () => time.now, sleep: () => Promise.resolve() };
  const ejector = new Ejector(clock);
  const row = (server: string, status: string): Row => ({ proxy: BACKEND, server, status, current: 0, begun: 0, answered: 0, givenUp: 0 });
  const look = async (
    happened: Readonly<Record<string, Attempts>>,
    status: Readonly<Record<string, string>> = {},
    pid = 1,
  ): Promise<void> => {
    const rows = [row('BACKEND', 'UP'), row(first, status[first] ?? 'UP'), row(TWO, status[TWO] ?? 'UP')];
    const all = { [first]: broke(0), [TWO]: broke(0), ...happened };
    await ejector.look({ ...process, pid }, new Map([[BACKEND, { silent: 0, servers: new Map(Object.entries(all)) }]]), rows);
  };
  return { said, look, servers, time };
}

describe('instances that break connections', () => {
  it('go out after three without an answer between them, however many looks that takes', async () => {
    const { said, look } = bed();
    for (const happened of [broke(2), broke(0, 1), broke(2), broke(9, 1), broke(1), broke(1)]) await look({ [ONE]: happened });
    expect(said).toEqual([]);
    await look({ [ONE]: broke(1) });
    expect(said).toEqual([`${ONE} state drain`]);
    await look({ [ONE]: broke(5) }, { [ONE]: 'DRAIN' });
    expect(said).toHaveLength(1);
  });

  it('stay where nobody else serves: the only one, and one of two that break', async () => {
    const alone = bed();
    await alone.look({ [ONE]: broke(9) }, { [TWO]: 'DOWN' });
    expect(alone.said).toEqual([]);
    const both = bed();
    await both.look({ [ONE]: broke(9), [TWO]: broke(9) });
    expect(both.said).toEqual([`${ONE} state drain`]);
  });

  it('are back when nobody else serves any more, and when one that was in flight answers', async () => {
    const { said, look } = bed();
    await look({ [ONE]: broke(3) });
    await look({}, { [ONE]: 'DRAIN', [TWO]: 'DOWN' });
    await look({ [ONE]: broke(3) });
    await look({ [ONE]: broke(0, 1) }, { [ONE]: 'DRAIN' });
    expect(said).toEqual([`${ONE} state drain`, `${ONE} state ready`, `${ONE} state drain`, `${ONE} state ready`]);
  });

  it.each([
    ['are back when they answer a question', 'ready', ['drain', 'ready']],
    ['stay out when they were retired before they answered it', 'maint', ['drain']],
  ] as const)('%s', async (_what, state, orders) => {
    const instance = createServer();
    await once(instance.listen(0, '127.0.0.1'), 'listening');
    const name = `127.0.0.1:${(instance.address() as AddressInfo).port}`;
    const { said, look, servers, time } = bed(name);
    await look({ [name]: broke(3) });
    time.now = 60_000;
    await look({}, { [name]: 'DRAIN' });
    const [question, answer] = (await once(instance, 'request')) as Parameters<RequestListener>;
    servers.set(`${BACKEND}/${name}`, { state, since: 0 });
    answer.end();
    await once(question.socket, 'close');
    await setImmediate();
    expect(said).toEqual(orders.map((order) => `${name} state ${order}`));
    instance.close();
  });

  it('are judged anew in a process that is new', async () => {
    const { said, look } = bed();
    await look({ [ONE]: broke(3) });
    await look({ [ONE]: broke(3) }, {}, 2);
    expect(said).toEqual([`${ONE} state drain`, `${ONE} state drain`]);
  });
});
