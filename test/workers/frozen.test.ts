import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredRelease } from '../../src/release/index.ts';
import { aDefinition } from '../support/definition.ts';
import { eventually } from '../store/support.ts';
import { allSealed, makeSite, scriptStep, sharedServer, type RunningWorker, type SharedServer, type Site } from './processes.ts';
import { aStep } from './rig.ts';

/** Long enough that no worker, and no guard of its command, takes a pause of this machine for a freeze. */
const LEASE_MS = 6_000;

/** SIGSTOP for longer than the lease, in the middle of a step; another worker takes over; SIGCONT. */
describe('a worker that is frozen for longer than its lease', () => {
  let server: SharedServer;
  let site: Site;
  let workers: readonly RunningWorker[] = [];
  beforeAll(async () => {
    server = await sharedServer();
    site = makeSite(server, 'machine:/state');
    workers = await Promise.all([site.startWorker({ leaseMs: LEASE_MS }), site.startWorker({ leaseMs: LEASE_MS })]);
  }, 180_000);
  afterAll(async () => {
    await site.remove();
    await server.stop();
  }, 180_000);

  const load = (release: string): Promise<StoredRelease> => server.store.load(release);

  /** Freezes whoever drives the release, and answers the frozen and the other worker. */
  async function freezeDriver(release: string): Promise<{ readonly zombie: RunningWorker; readonly heir: RunningWorker }> {
    const { driver } = (await load(release)).summary;
    const zombie = workers.find((worker) => worker.driver === driver);
    const heir = workers.find((worker) => worker.driver !== driver);
    if (zombie === undefined || heir === undefined) throw new Error(`Nobody drives ${release}`);
    zombie.signal('SIGSTOP');
    return { zombie, heir };
  }

  /** The zombie goes on, and has noticed: it says that the drive was not its own. */
  async function wake(zombie: RunningWorker, release: string): Promise<void> {
    zombie.signal('SIGCONT');
    await eventually('the zombie gives up', () =>
      zombie
        .log()
        .split('\n')
        .some((line) => line.includes('drove a release') && line.includes(release) && line.includes('not-mine')),
    );
  }

  /** What was recorded from the takeover on, and by whom. */
  function afterTakeover({ events }: StoredRelease): readonly (typeof events)[number][] {
    const takeover = events.findIndex((event) => event.type === 'driver.claimed' && event.data.takeover);
    expect(takeover).toBeGreaterThan(0);
    return events.slice(takeover);
  }

  it('has its command ended before the other begins, although the command ignores SIGTERM, and does nothing more', async () => {
    const release = await site.submit(server.store, [scriptStep('build.make', { ticks: 200 }), scriptStep('verify.smoke')]);
    const mine = () => site.effects().filter((effect) => effect.release === release && effect.step === 'build.make');
    await eventually('the command runs', () => mine().some(({ word }) => word === 'tick'));
    const { zombie, heir } = await freezeDriver(release);
    await eventually('the other worker has begun it again', () => new Set(mine().map(({ pid }) => pid)).size === 2, 30_000);
    await wake(zombie, release);
    await allSealed(server.store, [release]);

    const [first, second] = [...new Set(mine().map(({ pid }) => pid))];
    const order = mine().map(({ pid }) => pid);
    expect(order.lastIndexOf(first ?? '')).toBeLessThan(order.indexOf(second ?? ''));
    expect(
      mine()
        .filter(({ word }) => word === 'end')
        .map(({ pid }) => pid),
    ).toEqual([second]);
    const stored = await load(release);
    expect(new Set(afterTakeover(stored).map(({ actor }) => actor))).toEqual(new Set([heir.driver]));
    expect(stored.summary.status).toBe('released');
  }, 180_000);

  it('has its migration refused by the database, which is migrated once', async () => {
    const url = await server.create('shop');
    const file = '20260101000000_slow.sql';
    const sql = 'create table once (id int); insert into once values (1); select pg_sleep(8);\n';
    const folder = join(site.home, 'artifacts', 'slow');
    mkdirSync(join(folder, 'migrations'), { recursive: true });
    writeFileSync(join(folder, 'migrations', file), sql);
    const base = aDefinition();
    const definition = aDefinition({ database: base.database === null ? null : { ...base.database, url } });
    const sha256 = createHash('sha256').update(sql).digest('hex');
    const input = {
      folder: 'artifacts/slow',
      migrations: 'migrations',
      command: null,
      expect: [{ name: file.replace('.sql', ''), sha256 }],
      lockTimeoutMs: 1_000,
      statementTimeoutMs: 60_000,
    };
    const release = await site.submit(
      server.store,
      [aStep('change.schema', { stage: 'migrate', kind: 'migrate', input, attempts: 3 }), scriptStep('verify.smoke')],
      { definition },
    );
    await eventually(
      'the migration runs',
      async () =>
        (await server.query('shop', `select 1 from pg_stat_activity where query like '%pg_sleep(8)%' and pid <> pg_backend_pid()`)).length >
        0,
    );
    const { zombie, heir } = await freezeDriver(release);
    await eventually('the other worker has taken over', async () => (await load(release)).summary.driver === heir.driver, 30_000);
    await wake(zombie, release);
    await allSealed(server.store, [release]);

    const stored = await load(release);
    expect(stored.summary.status).toBe('released');
    expect(new Set(afterTakeover(stored).map(({ actor }) => actor))).toEqual(new Set([heir.driver]));
    expect(await server.query('shop', 'select * from once')).toEqual([{ id: 1 }]);
    const claims = stored.events.flatMap((event) => (event.type === 'driver.claimed' ? [event.data.fence] : []));
    expect(await server.query('shop', 'select name, finished, fence::int as fence from slipway_history.migration')).toEqual([
      { name: file.replace('.sql', ''), finished: true, fence: claims.at(-1) },
    ]);
  }, 180_000);

  it('is refused by the store when it knows nothing of its freeze', async () => {
    // Without a lease of its own to look at: only the fence in the store is between it and the ledger.
    const release = await site.submit(server.store, [scriptStep('build.make', { ticks: 100 })]);
    await eventually('somebody drives it', async () => (await load(release)).summary.driver);
    const { summary, events } = await load(release);
    const claim = events.findLast((event) => event.type === 'driver.claimed');
    if (claim?.type !== 'driver.claimed') throw new Error('nobody claimed it');
    const old = { release, driver: summary.driver ?? '', fence: claim.data.fence - 1 };
    await expect(server.store.append(old, [{ type: 'step.interrupted', data: { step: 'build.make', attempt: 1 } }])).rejects.toMatchObject({
      code: 'fenced',
    });
    await expect(server.store.park(old, events.length, null)).rejects.toMatchObject({ code: 'fenced' });
    await expect(server.store.acquireLock(old)).rejects.toMatchObject({ code: 'fenced' });
    expect(await server.store.renew(old)).toBe(false);
    await allSealed(server.store, [release]);
  });

  it('works on after it, and on what it lost too', async () => {
    // Both have been zombies by now or have taken over; both are asked for.
    const drivers = new Set<string>();
    const driveSome = async (): Promise<boolean> => {
      const releases = await Promise.all(
        Array.from({ length: 6 }, () => site.submit(server.store, [scriptStep('build.make', { ticks: 10 })])),
      );
      await allSealed(server.store, releases);
      for (const { events } of await Promise.all(releases.map(load)))
        for (const event of events) if (event.type === 'driver.claimed') drivers.add(event.data.driver);
      return drivers.size === 2;
    };
    // Either may be quick enough to take all of a handful.
    await eventually('both have driven some', driveSome);
    expect(drivers).toEqual(new Set(workers.map(({ driver }) => driver)));
  }, 180_000);
});
