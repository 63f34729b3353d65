import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import type { NewEvent, Plan } from '../../src/release/index.ts';
import type { OpenStore } from '../../src/store/index.ts';
import { driver, finished, intended, movedClock, planFor, query, type TestServer } from './support.ts';

const DEAD = { pid: 2 ** 22 + 1 };

/** What holds of the ledger and of claims on any PostgreSQL. */
export function ledgerContract(name: string, start: () => Promise<TestServer>): void {
  describe(`the ledger on ${name}`, () => {
    let server: TestServer;
    let url: string;
    let open: OpenStore;

    beforeAll(async () => {
      server = await start();
      url = await server.newDatabase();
      open = await server.open(url);
    });
    afterAll(async () => server.stop());

    const submitted = async (changes: Partial<Plan> = {}): Promise<string> => {
      const plan = planFor({ service: `s${Math.random().toString(36).slice(2)}`, ...changes });
      await open.store.submit({ plan, actor: 'ann', wait: false });
      return plan.release;
    };
    const claimed = async (id = 'w1', release?: string) => {
      const claim = await open.store.claim(release ?? (await submitted()), driver(id));
      if (claim === null) throw new Error('not claimed');
      return claim;
    };

    it('keeps events in a chain whose times never go back', async () => {
      let offset = 0;
      const moved = await server.open(url, { clock: movedClock(() => offset) });
      const plan = planFor({ service: 'clock' });
      await moved.store.submit({ plan, actor: 'ann', wait: false });
      const claim = await moved.store.claim(plan.release, driver('w1'));
      offset = -3_600_000;
      if (claim !== null) await moved.store.append(claim, [intended('a'), intended('b')]);
      const { events, entries, summary } = await moved.store.load(plan.release);
      expect(events.map(({ type }) => type)).toEqual(['release.requested', 'driver.claimed', 'step.intended', 'step.intended']);
      expect(events.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
      expect(events.map(({ time }) => time)).toEqual(events.map(({ time }) => time).toSorted((a, b) => a - b));
      const prevs = entries.map(({ line }) => (JSON.parse(line) as { prev: string }).prev);
      expect(prevs).toEqual(['0'.repeat(64), ...entries.slice(0, -1).map(({ hash }) => hash)]);
      expect(summary).toMatchObject({ status: 'running', driver: 'w1', requestedBy: 'ann', finishedAt: null });
    });

    it('lets one of two workers have a release', async () => {
      const release = await submitted();
      const other = await server.open(url);
      const claims = await Promise.all([open.store.claim(release, driver('w1')), other.store.claim(release, driver('w2'))]);
      expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
      const { events } = await open.store.load(release);
      expect(events.filter(({ type }) => type === 'driver.claimed')).toHaveLength(1);
    });

    it('takes a release over at once from a dead process of the same host, not from another host', async () => {
      const release = await submitted();
      const first = await open.store.claim(release, driver('dead', DEAD));
      expect(await open.store.claim(release, driver('w2', { host: 'elsewhere' }))).toBeNull();
      const second = await open.store.claim(release, driver('w2'));
      expect(second?.fence).toBeGreaterThan(first?.fence ?? Infinity);
      const { events } = await open.store.load(release);
      expect(events.at(-1)).toMatchObject({ type: 'driver.claimed', data: { driver: 'w2', takeover: true } });
    });

    it('takes a release over from another host when its lease ran out', async () => {
      const release = await submitted();
      await open.store.claim(release, driver('w1', { host: 'elsewhere' }));
      expect(await open.store.claim(release, driver('w2'))).toBeNull();
      await query(url, `update slipway.release set lease_until = now() - interval '1 ms' where id = '${release}'`);
      expect(await open.store.claim(release, driver('w2'))).not.toBeNull();
    });

    it('lets a stale claim write nothing at all', async () => {
      const stale = await claimed('dead', undefined);
      await query(url, `update slipway.release set lease_until = now() - interval '1 ms' where id = '${stale.release}'`);
      const fresh = await claimed('w2', stale.release);
      const before = await open.store.load(stale.release);
      await expect(open.store.append(stale, [intended('x')])).rejects.toMatchObject({ code: 'fenced' });
      await expect(open.store.append(stale, [finished()])).rejects.toMatchObject({ code: 'fenced' });
      await expect(open.store.acquireLock(stale)).rejects.toMatchObject({ code: 'fenced' });
      await expect(open.store.park(stale, before.entries.length, null)).rejects.toMatchObject({ code: 'fenced' });
      await expect(open.store.seal(stale, 'checkpoint')).rejects.toMatchObject({ code: 'fenced' });
      await expect(open.store.postponeSeal(stale, 'no room', 0)).rejects.toMatchObject({ code: 'fenced' });
      expect(await open.store.renew(stale)).toBe(false);
      expect(await open.store.load(stale.release)).toEqual(before);
      expect(await open.store.renew(fresh)).toBe(true);
    });

    it('fences a claim that was given back, also for the same driver', async () => {
      const claim = await claimed();
      expect(await open.store.park(claim, 2, null)).toBe('parked');
      await expect(open.store.append(claim, [intended('x')])).rejects.toMatchObject({ code: 'fenced' });
      expect(await open.store.renew(claim)).toBe(false);
    });

    it('does not park over an event that came meanwhile', async () => {
      const claim = await claimed();
      await open.store.request(claim.release, 'bob', { type: 'pause.requested', data: { reason: 'lunch' } });
      expect(await open.store.park(claim, 2, null)).toBe('changed');
      expect(await open.store.park(claim, 3, null)).toBe('parked');
      expect((await open.store.load(claim.release)).summary.status).toBe('paused');
    });

    it('appends only at the expected size when one is given', async () => {
      const claim = await claimed();
      expect(await open.store.append(claim, [intended('a')], 1)).toBe('changed');
      expect(await open.store.append(claim, [intended('a')], 2)).toBe('recorded');
    });

    it('numbers events without a gap when several append at once', async () => {
      const claim = await claimed();
      const other = await server.open(url);
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          n % 2 === 0
            ? open.store.append(claim, [intended(`a${n}`)])
            : other.store.request(claim.release, 'bob', { type: 'pause.requested', data: { reason: `${n}` } }),
        ),
      );
      const { events } = await open.store.load(claim.release);
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 22 }, (_, n) => n));
    });

    it('closes the ledger of a finished release', async () => {
      const claim = await claimed();
      await open.store.append(claim, [finished('unchanged')]);
      await expect(open.store.request(claim.release, 'bob', { type: 'pause.requested', data: { reason: '' } })).rejects.toMatchObject({
        code: 'not_possible_now',
      });
      await expect(open.store.append(claim, [intended('x')])).rejects.toThrow('is finished');
      const size = (await open.store.load(claim.release)).entries.length;
      await query(url, `update slipway.release set lease_until = now() - interval '1 ms' where id = '${claim.release}'`);
      const sealer = await claimed('w2', claim.release);
      await open.store.seal(sealer, 'checkpoint');
      const { summary, entries } = await open.store.load(claim.release);
      expect(summary).toMatchObject({ status: 'unchanged', sealed: true, driver: null });
      expect(entries).toHaveLength(size);
      expect(await open.store.claim(claim.release, driver('w3'))).toBeNull();
    });

    it('does not seal what is not finished', async () => {
      await expect(open.store.seal(await claimed(), 'checkpoint')).rejects.toThrow('not finished');
    });

    it('carries kinds and fields of a newer build unharmed', async () => {
      const claim = await claimed();
      const future = { type: 'quantum.entangled', data: { spin: 'up', pairs: [1, { deep: null }] } } as unknown as NewEvent;
      await open.store.append(claim, [future, { ...intended('a'), data: { ...intended('a').data, colour: 'red' } } as unknown as NewEvent]);
      const { events } = await open.store.load(claim.release);
      expect(events.at(-2)).toMatchObject(future);
      expect(events.at(-1)?.data).toMatchObject({ step: 'a', colour: 'red' });
      expect(await open.store.park(claim, events.length, null)).toBe('parked');
    });

    it('finds releases by prefix and latest, and says when it cannot', async () => {
      const place = { service: 'find', environment: 'dev' };
      const make = async (release: string, version: string) =>
        open.store.submit({ plan: planFor({ ...place, release, version }), actor: 'ann', wait: true });
      await make('aa11', '1');
      await make('aa22', '2');
      expect(await open.store.resolve('AA1', place)).toBe('aa11');
      expect(await open.store.resolve('latest', place)).toBe('aa22');
      await expect(open.store.resolve('aa')).rejects.toMatchObject({ code: 'ambiguous' });
      await expect(open.store.resolve('%')).rejects.toMatchObject({ code: 'not_found' });
      await expect(open.store.resolve('')).rejects.toMatchObject({ code: 'not_found' });
      await expect(open.store.load('nobody')).rejects.toMatchObject({ code: 'not_found' });
      expect((await open.store.list({ ...place, limit: 1 })).map(({ release }) => release)).toEqual(['aa22']);
    });

    it('tells a watcher of the next event, by notification and by looking', async () => {
      const release = await submitted();
      const heard = open.store.changed(release, 1, AbortSignal.timeout(20_000)).then(() => systemClock.monotonic());
      await open.store.request(release, 'bob', { type: 'pause.requested', data: { reason: '' } });
      await heard;
      expect((await open.store.load(release)).entries).toHaveLength(2);
      await open.store.changed(release, 1, AbortSignal.timeout(20_000));
      await open.store.changed(release, 99, AbortSignal.abort());
    });

    it('reads only what is new to a caller who knows the rest', async () => {
      const claim = await claimed();
      const before = await open.store.load(claim.release);
      const same = await open.store.load(claim.release, before);
      expect(same).toEqual(before);
      await open.store.append(claim, [intended('a'), intended('b')]);
      const after = await open.store.load(claim.release, before);
      expect(after).toEqual(await open.store.load(claim.release));
      expect(after.events[0]).toBe(before.events[0]);
      const other = { ...after, entries: after.entries.map((entry) => ({ ...entry, hash: 'other' })) };
      await expect(open.store.load(claim.release, other)).rejects.toMatchObject({ code: 'state_corrupt' });
    });

    it('sees that events are missing', async () => {
      const claim = await claimed();
      await query(url, `delete from slipway.event where release = '${claim.release}' and seq = 1`);
      await expect(open.store.load(claim.release)).rejects.toMatchObject({ code: 'state_corrupt' });
    });
  });
}
