import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import type { Plan, Wakeups } from '../../src/release/index.ts';
import type { OpenStore } from '../../src/store/index.ts';
import { driver, eventually, finished, planFor, query, type TestServer } from './support.ts';

const DEAD = { pid: 2 ** 22 + 1 };

/** What holds of wake-ups on any PostgreSQL. */
export function wakeupsContract(name: string, start: () => Promise<TestServer>): void {
  describe(`wake-ups on ${name}`, () => {
    let server: TestServer;
    let url: string;
    let open: OpenStore;
    let opened: OpenStore[];
    let working: Wakeups[];
    let woken: string[];

    beforeAll(async () => {
      server = await start();
    });
    beforeEach(async () => {
      url = await server.newDatabase();
      open = await server.open(url);
      opened = [open];
      working = [];
      woken = [];
    });
    afterEach(async () => {
      await Promise.all(working.map((wakeups) => wakeups.stop()));
      await Promise.all(opened.map((store) => store.close()));
    });
    afterAll(async () => server.stop());

    const submit = async (changes: Partial<Plan> = {}): Promise<string> => {
      const plan = planFor({ service: `s${Math.random()}`, ...changes });
      await open.store.submit({ plan, actor: 'ann', wait: false });
      return plan.release;
    };
    const work = async (handle: (release: string) => Promise<void> = () => Promise.resolve(), worker = open): Promise<void> => {
      working.push(worker.wakeups);
      await worker.wakeups.work(2, async (release) => {
        woken.push(release);
        await handle(release);
      });
    };
    const wokenFor = (release: string): Promise<boolean> => eventually(`${release} is woken`, () => woken.includes(release));

    it('wakes the node of a submitted release and no other', async () => {
      await work();
      const other = await submit({ node: 'there:/state' });
      await wokenFor(await submit());
      expect(woken).not.toContain(other);
    });

    it('wakes for a release submitted while nobody worked', async () => {
      const release = await submit();
      await work();
      expect(await wokenFor(release)).toBe(true);
    });

    it('wakes a parked release when its time has come, and not before', async () => {
      const release = await submit();
      const until = systemClock.now() + 1_200;
      let early = 0;
      await work(async (id) => {
        const mine = await open.store.claim(id, driver('w1'));
        if (mine === null) return;
        const { entries } = await open.store.load(id);
        if (systemClock.now() >= until) await open.store.append(mine, [finished()]);
        else {
          early += 1;
          await open.store.park(mine, entries.length, until);
        }
      });
      await eventually('it finished', async () => (await open.store.load(release)).summary.finishedAt !== null);
      // For the submission and the sweep at the start; nothing else looks before its time.
      expect(early).toBeLessThanOrEqual(2);
    });

    it('wakes for what a person asks', async () => {
      const release = await submit();
      const mine = await open.store.claim(release, driver('w1'));
      if (mine === null) throw new Error('not claimed');
      await open.store.park(mine, 2, null);
      await work();
      await wokenFor(release);
      woken = [];
      await open.store.request(release, 'bob', { type: 'pause.requested', data: { reason: 'lunch' } });
      expect(await wokenFor(release)).toBe(true);
    });

    it('tries again when a handler throws', async () => {
      let tries = 0;
      await work(async () => {
        tries += 1;
        if (tries < 3) throw new Error('not yet');
      });
      await submit();
      await eventually('three tries', () => tries >= 3);
      expect(woken).toHaveLength(tries);
    });

    it('resumes at once what a dead process of this host was driving', async () => {
      const release = await submit();
      await open.store.claim(release, driver('dead', DEAD));
      await query(url, 'delete from slipway_boss.job');
      const before = systemClock.monotonic();
      await work();
      await wokenFor(release);
      // Not a measurement: the lease (15 s) and the heartbeat (20 s) are not what it waited for.
      expect(systemClock.monotonic() - before).toBeLessThan(10_000);
    });

    it('finds, while working, a release whose lease ran out or whose wake-up was lost', async () => {
      await work();
      const expired = await submit();
      const lost = await submit();
      await eventually('both were woken', () => woken.includes(expired) && woken.includes(lost));
      await open.store.claim(expired, driver('w1', { host: 'elsewhere' }));
      await query(url, `update slipway.release set lease_until = now() - interval '1 ms' where id = '${expired}'`);
      await query(url, `update slipway.release set wake_at = now() - interval '1 minute' where id = '${lost}'`);
      woken = [];
      expect(await eventually('both are woken again', () => woken.includes(expired) && woken.includes(lost))).toBe(true);
    });

    it('finds a release that ended but was not sealed', async () => {
      const release = await submit();
      const mine = await open.store.claim(release, driver('w1'));
      if (mine === null) throw new Error('not claimed');
      await open.store.append(mine, [finished()]);
      await query(
        url,
        `update slipway.release set driver_id = null, lease_until = null where id = '${release}'; delete from slipway_boss.job`,
      );
      await work();
      expect(await wokenFor(release)).toBe(true);
    });

    it('shares wake-ups between two workers, each once, and stops when its handlers are done', async () => {
      const second = await server.open(url);
      opened.push(second);
      const driving = async (id: string) => {
        const mine = await open.store.claim(id, driver(`w${Math.random()}`));
        if (mine === null) return;
        await open.store.append(mine, [finished()]);
        await open.store.seal(mine, 'checkpoint');
      };
      await Promise.all([work(driving), work(driving, second)]);
      const releases = await Promise.all(Array.from({ length: 20 }, () => submit()));
      await eventually('all are sealed', async () => (await open.store.list({ limit: 50 })).every(({ sealed }) => sealed));
      expect(new Set(woken)).toEqual(new Set(releases));
      const claims = await query<{ n: number }>(url, `select count(*)::int as n from slipway.event where line like '%driver.claimed%'`);
      expect(claims[0]?.n).toBe(20);

      let ended = false;
      let begun = false;
      const third = await server.open(url, { node: 'third:/state' });
      opened.push(third);
      await third.wakeups.work(1, async () => {
        begun = true;
        await systemClock.sleep(300);
        ended = true;
      });
      await submit({ node: 'third:/state' });
      await eventually('the handler runs', () => begun);
      await third.wakeups.stop();
      expect(ended).toBe(true);
    });

    it('keeps ten thousand parked releases as rows: no wake-up is due, none is sent', async () => {
      await query(
        url,
        `insert into slipway.release (id, kind, service, environment, version, node, size, head, last_at, progress, requested_by, requested_at, wake_at)
         select 'parked' || n, 'release', 's' || n, 'prd', '1', 'here:/state', 1, 'x', now(), '{"outcome":null}', 'ann', now(), now() + interval '1 day' from generate_series(1, 10000) n`,
      );
      const release = await submit();
      await work();
      await wokenFor(release);
      // A second wake-up for the same event is harmless.
      expect(new Set(woken)).toEqual(new Set([release]));
      expect(await query(url, `select id from slipway_boss.job where data->>'release' like 'parked%'`)).toEqual([]);
    });
  });
}
