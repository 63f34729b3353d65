import { describe, expect, it } from 'vitest';
import { createClients } from './round.ts';

const FROM = { address: '10.0.0.7', token: { id: 'ab12', description: 'shop backend' } };

describe('how far a change got', () => {
  it('counts who has applied it, how long that took, and names who has not, the longest silent first', () => {
    const clients = createClients();
    for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) clients.joined(name, null, index, FROM);
    expect(clients.reach()).toMatchObject({ connected: 4, seq: 0, acknowledged: 0, p50Ms: null, stale: [] });
    clients.ask(7, 1_000);
    clients.acknowledge('a', 7, 1_010);
    clients.acknowledge('b', 8, 1_030);
    clients.heard('c', 1_500);
    expect(clients.reach()).toEqual({
      connected: 4,
      seq: 7,
      acknowledged: 2,
      p50Ms: 10,
      p99Ms: 30,
      lastMs: 30,
      stale: [
        { client: 'd', since: 3, from: FROM },
        { client: 'c', since: 1_500, from: FROM },
      ],
    });
  });

  it('counts a client once, however often it says so and however many streams it has', () => {
    const clients = createClients();
    clients.joined('a', null, 0, FROM);
    clients.joined('a', 3, 1, FROM);
    clients.ask(4, 10);
    for (const now of [20, 30]) clients.acknowledge('a', 4, now);
    expect(clients.reach()).toMatchObject({ connected: 1, acknowledged: 1, lastMs: 10 });
    clients.left('a');
    expect(clients.connected()).toBe(1);
    clients.left('a');
    expect(clients.reach()).toMatchObject({ connected: 0, acknowledged: 0 });
  });

  it('names everybody who is connected, with how many streams, and whether it has what is counted', () => {
    const clients = createClients();
    for (const [name, knew] of [
      ['a', 3],
      ['b', null],
      ['b', 4],
      ['c', 4],
    ] as const)
      clients.joined(name, knew, 0, FROM);
    expect(clients.all().map(({ acknowledged }) => acknowledged)).toEqual([false, false, false]);
    clients.ask(4, 10);
    clients.acknowledge('a', 4, 20);
    clients.left('c');
    expect(clients.all()).toEqual([
      { client: 'a', streams: 1, acknowledged: true },
      { client: 'b', streams: 2, acknowledged: false },
    ]);
    expect(['a', 'b', 'c'].map(clients.has)).toEqual([true, true, false]);
  });

  it('does not take an acknowledgement of something older', () => {
    const clients = createClients();
    clients.joined('a', null, 0, FROM);
    clients.ask(4, 10);
    clients.acknowledge('a', 3, 20);
    expect(clients.reach()).toMatchObject({ acknowledged: 0, lastMs: null });
  });

  it('does not count who is not connected: it would hide another that has not acknowledged', () => {
    const clients = createClients();
    clients.joined('a', 3, 0, FROM);
    clients.joined('b', 3, 0, FROM);
    clients.ask(4, 10);
    clients.acknowledge('b', 4, 20);
    clients.left('b');
    clients.acknowledge('b', 4, 30);
    expect(clients.reach()).toMatchObject({ connected: 1, acknowledged: 0, stale: [{ client: 'a' }] });
  });

  it('measures who was there or came back, not who began later; no time is negative when clocks differ', () => {
    const clients = createClients();
    clients.ask(4, 1_000);
    clients.joined('came back', 3, 900, FROM);
    clients.joined('began', null, 900, FROM);
    clients.acknowledge('began', 4, 9_000);
    expect(clients.reach()).toMatchObject({ acknowledged: 1, lastMs: null });
    clients.acknowledge('came back', 4, 990);
    expect(clients.reach()).toMatchObject({ acknowledged: 2, lastMs: 0 });
  });

  it('believes who comes back that it has what it says', () => {
    const clients = createClients();
    clients.ask(4, 1_000);
    clients.joined('a', 4, 2_000, FROM);
    expect(clients.reach()).toMatchObject({ connected: 1, acknowledged: 1, stale: [] });
  });

  it('counts who was refused a stream until it has not come again in time, and names it with that time', () => {
    const clients = createClients();
    const away = { from: FROM, comesBy: 500 };
    clients.joined('a', 3, 0, FROM);
    clients.refused('b', 3, 100, away);
    clients.ask(4, 200);
    clients.acknowledge('a', 4, 210);
    expect(clients.reach()).toMatchObject({ connected: 2, acknowledged: 1, stale: [{ client: 'b', since: 100, comesBy: 500 }] });
    expect(clients.all()).toContainEqual({ client: 'b', streams: 1, acknowledged: false });
    clients.acknowledge('b', 4, 300);
    expect(clients.reach()).toMatchObject({ connected: 2, acknowledged: 2, lastMs: 100 });
    clients.refused('b', 4, 400, { ...away, comesBy: 900 });
    expect([clients.giveUp(900), clients.connected()]).toEqual([false, 2]);
    expect([clients.giveUp(901), clients.reach()]).toMatchObject([true, { connected: 1, acknowledged: 1 }]);
    expect(clients.giveUp(901)).toBe(false);
  });

  it('believes who comes again after a refusal that it has what it says, with a stream or without', () => {
    const clients = createClients();
    for (const client of ['a', 'b', 'c']) clients.refused(client, 3, 0, { from: FROM, comesBy: 500 });
    // It has a stream, and it is that which counts.
    clients.joined('c', 3, 5, FROM);
    clients.left('c');
    clients.ask(4, 10);
    clients.refused('a', 4, 100, { from: FROM, comesBy: 900 });
    clients.joined('b', 4, 200, FROM);
    expect(clients.reach()).toMatchObject({ connected: 2, acknowledged: 2, lastMs: 190 });
    // It has a stream now: no time is over for it.
    expect([clients.giveUp(10_000), clients.connected(), clients.has('b')]).toEqual([true, 1, true]);
    clients.left('b');
    expect(clients.connected()).toBe(0);
  });

  it('keeps who is refused a second stream when the first one ends', () => {
    const clients = createClients();
    clients.joined('a', 3, 0, FROM);
    clients.refused('a', 3, 100, { from: FROM, comesBy: 500 });
    clients.ask(4, 110);
    expect(clients.reach().stale).toEqual([{ client: 'a', since: 100, from: FROM }]);
    clients.left('a');
    expect(clients.reach()).toMatchObject({ connected: 1, stale: [{ client: 'a', comesBy: 500 }] });
    clients.giveUp(501);
    expect(clients.connected()).toBe(0);
  });

  it('begins anew with every change', () => {
    const clients = createClients();
    clients.joined('a', null, 0, FROM);
    clients.ask(4, 10);
    expect(clients.isWaiting()).toBe(true);
    clients.acknowledge('a', 4, 20);
    expect(clients.isWaiting()).toBe(false);
    clients.ask(5, 30);
    expect(clients.reach()).toMatchObject({ seq: 5, acknowledged: 0, lastMs: null });
    // The store went back: who has applied 5 has not applied this 4.
    clients.acknowledge('a', 5, 40);
    clients.ask(4, 50, true);
    expect(clients.reach()).toMatchObject({ seq: 4, acknowledged: 0, connected: 1 });
    clients.acknowledge('a', 4, 60);
    expect(clients.reach()).toMatchObject({ seq: 4, acknowledged: 1 });
    clients.ask(0, 0);
    expect(clients.reach()).toMatchObject({ seq: 0, acknowledged: 0, stale: [] });
  });
});
