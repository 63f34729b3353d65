import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Claim, EventData, Plan } from '../../src/release/index.ts';
import type { OpenStore } from '../../src/store/index.ts';
import { driver, finished, planFor, query, type TestServer } from './support.ts';

type Finished = EventData['release.finished'];

/** What holds of the lock of a service + environment on any PostgreSQL. */
export function lockContract(name: string, start: () => Promise<TestServer>): void {
  describe(`the deploy lock on ${name}`, () => {
    let server: TestServer;
    let url: string;
    let open: OpenStore;

    beforeAll(async () => {
      server = await start();
      url = await server.newDatabase();
      open = await server.open(url);
    });
    afterAll(async () => server.stop());

    const submit = async (service: string, wait: boolean, changes: Partial<Plan> = {}): Promise<string> => {
      const plan = planFor({ service, ...changes });
      await open.store.submit({ plan, actor: 'ann', wait });
      return plan.release;
    };
    const claim = async (release: string, id = 'w1'): Promise<Claim> => {
      const mine = await open.store.claim(release, driver(id));
      if (mine === null) throw new Error('not claimed');
      return mine;
    };
    const types = async (release: string) => (await open.store.load(release)).events.map(({ type }) => type);

    it('refuses a second release with the name of the owner', async () => {
      const first = await submit('named', false);
      await expect(submit('named', false)).rejects.toMatchObject({
        code: 'locked',
        message: expect.stringMatching(`ann on here .*1\\.1\\.0.*${first}`) as string,
      });
      expect(await open.store.list({ service: 'named', limit: 9 })).toHaveLength(1);
      await submit('named', false, { environment: 'dev' });
    });

    it('takes all releases of one call or none, and two such calls never wait for each other', async () => {
      const taken = await submit('set-b', false);
      const set = (...services: readonly string[]): Promise<void> =>
        open.store.submit(...services.map((service) => ({ plan: planFor({ service }), actor: 'ann', wait: false })));
      await expect(set('set-a', 'set-b')).rejects.toMatchObject({ code: 'locked', message: expect.stringContaining(taken) as string });
      expect(await open.store.list({ service: 'set-a', limit: 9 })).toEqual([]);
      expect(await open.store.lockOf('set-a', 'prd')).toBeNull();
      const names = ['set-c', 'set-d', 'set-e'];
      const results = await Promise.allSettled(Array.from({ length: 6 }, (_, n) => set(...(n % 2 === 0 ? names : names.toReversed()))));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const service of names) expect(await open.store.list({ service, limit: 9 })).toHaveLength(1);
    });

    it('accepts exactly one of many at once that do not wait', async () => {
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => submit('race', false)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('hands over in the order of submission, and wakes', async () => {
      const releases = [await submit('fifo', false), await submit('fifo', true), await submit('fifo', true)];
      const [first, second, third] = await Promise.all(releases.map((release, n) => claim(release, `w${n}`)));
      if (first === undefined || second === undefined || third === undefined) throw new Error('missing');
      // The last one asks first; that does not move it forward.
      expect(await open.store.acquireLock(third)).toMatchObject({ acquired: false, owner: { release: first.release, owner: 'ann' } });
      expect(await open.store.acquireLock(first)).toMatchObject({ acquired: true });
      expect(await open.store.acquireLock(second)).toMatchObject({ acquired: false });
      expect(await open.store.acquireLock(second)).toMatchObject({ acquired: false });
      expect(await types(second.release)).toEqual(['release.requested', 'driver.claimed', 'lock.waiting']);
      expect((await open.store.load(second.release)).summary.status).toBe('queued');

      await open.store.append(first, [finished()]);
      expect(await open.store.lockOf('fifo', 'prd')).toMatchObject({ release: second.release });
      expect(await types(second.release)).toEqual(['release.requested', 'driver.claimed', 'lock.waiting', 'lock.acquired']);
      // The event is what keeps a driver from parking over the hand-over.
      expect(await open.store.park(second, 3, null)).toBe('changed');
      expect(await open.store.acquireLock(second)).toMatchObject({ acquired: true });
      expect(await types(second.release)).toHaveLength(4);
      const due = await query<{ id: string }>(url, `select id from slipway.release where wake_at is not null and service = 'fifo'`);
      expect(due.map(({ id }) => id)).toEqual([second.release]);

      await open.store.append(second, [finished('rolled-back')]);
      expect(await open.store.lockOf('fifo', 'prd')).toMatchObject({ release: third.release });
      await open.store.append(third, [finished()]);
      expect(await open.store.lockOf('fifo', 'prd')).toBeNull();
    });

    it('does not move the lock when one that waits gives up', async () => {
      const owner = await submit('gives-up', false);
      const waiter = await claim(await submit('gives-up', true));
      await open.store.append(waiter, [finished('unchanged')]);
      expect(await open.store.lockOf('gives-up', 'prd')).toMatchObject({ release: owner });
    });

    it('ties each ledger to the last finished one of its place', async () => {
      const before = async (release: string) =>
        ((await open.store.load(release)).events[0]?.data as EventData['release.requested'] | undefined)?.previousLedger;
      const first = await submit('tied', false);
      expect(await before(first)).toBeNull();
      await open.store.append(await claim(first), [finished('unchanged')]);
      const { entries } = await open.store.load(first);
      expect(await before(await submit('tied', false))).toEqual({ release: first, size: entries.length, head: entries.at(-1)?.hash });
    });

    it('knows the last release that ended with its version serving', async () => {
      expect(await open.store.lastServing('last', 'prd')).toBeNull();
      const end = async (version: string, outcome: Finished['outcome'], serves?: Finished['serves']) => {
        const data: Finished = { outcome, reason: 'test', ...(serves === undefined ? {} : { serves }) };
        await open.store.append(await claim(await submit('last', false, { version })), [{ type: 'release.finished', data }]);
      };
      await end('1', 'released');
      await end('2', 'released');
      await end('3', 'rolled-back');
      await end('4', 'accepted');
      expect((await open.store.lastServing('last', 'prd'))?.summary.version).toBe('2');
      await end('5', 'accepted', 'new');
      await end('6', 'accepted', 'previous');
      expect((await open.store.lastServing('last', 'prd'))?.summary.version).toBe('5');
    });

    it('survives many drivers that finish and acquire at once', async () => {
      const releases = await Promise.all(Array.from({ length: 12 }, (_, n) => submit(`busy${n % 2}`, true)));
      await Promise.all(
        releases.map(async (release, n) => {
          const mine = await claim(release, `w${n}`);
          while (!(await open.store.acquireLock(mine)).acquired) {
            await open.store.changed(release, (await open.store.load(release)).entries.length, AbortSignal.timeout(50));
          }
          await open.store.append(mine, [finished()]);
        }),
      );
      expect(await query(url, `select key from slipway.lock where key like 'busy%'`)).toEqual([]);
    });
  });
}
