import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore } from '../../src/store/index.ts';
import { classify } from '../../src/store/failures.ts';
import { endStore } from '../support/place-store.ts';
import { driver, embeddedServer, intended, LEASE, planFor, query, scratch, type TestServer } from './support.ts';
import { SCHEMA_VERSION } from '../../src/store/migrations.ts';

describe('opening the store', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await embeddedServer();
  });
  afterAll(async () => server.stop());

  const openAt = (url: string, patienceMs = 500) =>
    openStore({ home: '/nowhere', url, node: 'here:/state', clock: systemClock, lease: LEASE, patienceMs });

  it('is created once by several at once', async () => {
    const url = await server.newDatabase();
    const stores = await Promise.all(Array.from({ length: 4 }, () => server.open(url)));
    await Promise.all(stores.map((open, n) => open.store.submit({ plan: planFor({ service: `s${n}` }), actor: 'ann', wait: false })));
    expect(await stores[0]?.store.list({ limit: 9 })).toHaveLength(4);
    expect(await query(url, 'select name from slipway.migration')).toHaveLength(SCHEMA_VERSION);
    expect(await stores[1]?.health()).toMatchObject({ embedded: false, notifications: false });
  });

  it('is used by an older build when a newer one only added, and refused when it changed', async () => {
    const url = await server.newDatabase();
    await (await server.open(url)).close();
    const newer = SCHEMA_VERSION + 2;
    await query(
      url,
      `update slipway.meta set value = '${newer}' where name = 'version'; alter table slipway.release add column colour text; insert into slipway.migration values ('9999_colour', now())`,
    );
    const older = await server.open(url);
    await older.store.submit({ plan: planFor(), actor: 'ann', wait: false });
    await query(url, `update slipway.meta set value = '${newer}' where name = 'readable_from'`);
    await expect(openAt(url)).rejects.toMatchObject({
      code: 'store_version',
      message: expect.stringContaining(`format ${newer}`) as string,
    });
  });

  it.each([
    ['a server that is not there', 'postgresql://x@127.0.0.1:1/x', 'store_unreachable'],
    ['a host that does not exist', 'postgresql://x@nowhere.invalid/x', 'store_unreachable'],
    ['something that is no URL', 'mysql://x', 'usage'],
  ])('refuses %s', async (_what, url, code) => {
    await expect(openAt(url)).rejects.toMatchObject({ code });
  });

  /** How often it is asked, by a clock that is a second later after each pause, whether a server answers before anybody's patience is over. */
  const pauses = async (url: string, hurries: boolean): Promise<number> => {
    let made = 0;
    const clock = { ...systemClock, monotonic: () => made * 1_000, sleep: () => Promise.resolve(void (made += 1)) };
    const options = { home: '/nowhere', url, node: 'here:/state', clock, lease: LEASE };
    await expect(openStore({ ...options, hurries })).rejects.toMatchObject({ code: 'store_unreachable' });
    return made;
  };

  it.each([
    ['postgresql://x@127.0.0.1:1/x', 'a port that nobody listens on'],
    ['postgresql://x@%2Fnowhere/x', 'a socket that is not there'],
  ])('in a hurry does not wait for %s', async (url) => {
    expect([await pauses(url, true), await pauses(url, false)]).toEqual([0, 30]);
  });

  it('in a hurry gives up after ten seconds what does not answer, and with patience after thirty', async () => {
    const mute = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const url = `postgresql://x@127.0.0.1:${(mute.address() as AddressInfo).port}/x`;
    expect([await pauses(url, true), await pauses(url, false)]).toEqual([10, 30]);
    mute.close();
  });

  it('refuses a database that does not exist, without its password in the message', async () => {
    const url = (await server.newDatabase()).replace('slipway@', 'slipway:hunter22@').replace(/\/test_\d+/, '/missing');
    const error = await openAt(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'store_unreachable', message: expect.stringContaining('missing') as string });
    expect(String(error)).not.toContain('hunter22');
  });

  it('refuses a store that is read-only', async () => {
    const url = await server.newDatabase();
    const open = await server.open(url);
    await query(url, `alter database ${/test_\d+/.exec(url)?.[0]} set default_transaction_read_only = on`);
    const readOnly = await server.open(url);
    await expect(readOnly.store.submit({ plan: planFor(), actor: 'ann', wait: false })).rejects.toMatchObject({
      code: 'store_unreachable',
      message: 'The store is read-only',
    });
    await open.close();
  });

  it.each([
    ['53100', 'disk_full'],
    ['XX001', 'state_corrupt'],
    ['28P01', 'store_unreachable'],
    ['42501', 'store_unreachable'],
  ])('knows SQLSTATE %s', (sqlstate, code) => {
    expect(classify(Object.assign(new Error('x'), { code: sqlstate }))).toMatchObject({ code });
  });

  it.each(['40001', '40P01', '57P01', '57P02', '57P03', '08006', 'ECONNRESET'])('tries again after %s', (code) => {
    expect(classify(Object.assign(new Error('x'), { code }))).toBe('transient');
  });

  it('takes anything else for a bug', () => {
    expect(classify(Object.assign(new Error('x'), { code: '42703' }))).toBeNull();
    expect(classify(new TypeError('x'))).toBeNull();
  });
});

describe('a store whose PostgreSQL dies', () => {
  it('loses nothing acknowledged, records nothing twice, leaves no gap', async () => {
    const place = scratch();
    const open = await openStore({ home: place.home, node: 'here:/state', clock: systemClock, lease: LEASE });
    const embedded = open.embedded;
    if (embedded === null) throw new Error('embedded');
    try {
      const plan = planFor();
      await open.store.submit({ plan, actor: 'ann', wait: false });
      const claim = await open.store.claim(plan.release, driver('w1'));
      if (claim === null) throw new Error('not claimed');
      const killing = (async () => {
        for (const mode of ['immediate', 'fast', 'immediate'] as const) {
          await systemClock.sleep(250);
          await embedded.stop(mode);
        }
      })();
      const steps: string[] = [];
      const done = new AbortController();
      void killing.then(() => done.abort());
      while (!done.signal.aborted) {
        const step = `s${steps.length}`;
        await open.store.append(claim, [intended(step)]);
        steps.push(step);
      }
      await killing;
      const { events } = await open.store.load(plan.release);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, n) => n));
      expect(events.flatMap((event) => (event.type === 'step.intended' ? [event.data.step] : []))).toEqual(steps);
    } finally {
      await open.close();
      await endStore(embedded);
      place.remove();
    }
  });
});
