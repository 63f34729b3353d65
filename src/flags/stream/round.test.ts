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
