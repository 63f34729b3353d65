import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fingerprint, checkChain, loadOrCreateKeys, verifyPack } from '../../src/evidence/index.ts';
import { packFolder } from '../../src/release/index.ts';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  allSealed,
  makeSite,
  scriptStep,
  sharedServer,
  type Effect,
  type RunningWorker,
  type SharedServer,
  type Site,
} from './processes.ts';

const PER_SERVICE = 4;

/**
 * Three workers (two of one machine, one of another) and sixteen releases of four services on one PostgreSQL. One service
 * is released from both machines.
 */
describe('several workers on one server', () => {
  let server: SharedServer;
  let here: Site;
  let there: Site;
  let workers: readonly RunningWorker[] = [];
  const releases: string[] = [];
  beforeAll(async () => {
    server = await sharedServer();
    here = makeSite(server, 'machine-a:/state');
    there = makeSite(server, 'machine-b:/state');
    const main = fileURLToPath(new URL('scripted-worker.ts', import.meta.url));
    workers = await Promise.all([here, here, there].map((site) => site.startWorker({ main })));
    const steps = [scriptStep('build.make'), scriptStep('change.world'), scriptStep('verify.smoke')];
    const broken = [...steps.slice(0, 2), scriptStep('verify.smoke', { exit: 1 })];
    for (let round = 0; round < PER_SERVICE; round++) {
      for (const service of ['api', 'web', 'mail', 'everywhere']) {
        const site = service === 'mail' || (service === 'everywhere' && round % 2 === 0) ? there : here;
        releases.push(await site.submit(server.store, round === 2 ? broken : steps, { service, environment: 'prd' }));
      }
    }
    await allSealed(server.store, releases, 120_000);
  }, 180_000);
  afterAll(async () => {
    await here.remove();
    await there.remove();
    await server.stop();
  }, 180_000);

  const stored = () => Promise.all(releases.map((release) => server.store.load(release)));

  it('ends every release once, as it should end', async () => {
    const all = await stored();
    const outcomes = all.map(({ events }) => events.flatMap((event) => (event.type === 'release.finished' ? [event.data.outcome] : [])));
    expect(outcomes).toEqual(releases.map((_, n) => [Math.floor(n / 4) === 2 ? 'rolled-back' : 'released']));
    expect(await server.query('slipway', 'select count(*)::int as locks from slipway.lock')).toEqual([{ locks: 0 }]);
  });

  it('performs every step once', async () => {
    for (const { events } of await stored()) {
      const keys = events.flatMap((event) => (event.type === 'step.intended' ? [event.data.key] : []));
      expect(new Set(keys).size).toBe(keys.length);
      expect(events.filter((event) => event.type === 'step.interrupted')).toEqual([]);
    }
    const begun = [...here.effects(), ...there.effects()]
      .filter(({ word }) => word === 'begin')
      .map(({ release, step }) => `${release} ${step}`);
    expect(new Set(begun).size).toBe(begun.length);
    expect(begun).toHaveLength(releases.length * 3 + PER_SERVICE);
  });

  it('never has two releases of one service at work at a time', async () => {
    const lines = (await stored()).flatMap(({ summary, events }) => {
      const locked = events.find((event) => event.type === 'lock.acquired');
      const finished = events.at(-1);
      return [{ key: summary.service, from: locked?.time ?? 0, until: finished?.time ?? 0 }];
    });
    for (const service of ['api', 'web', 'mail', 'everywhere']) {
      const spans = lines.filter(({ key }) => key === service).toSorted((a, b) => a.from - b.from);
      spans.slice(1).forEach((span, n) => expect(span.from).toBeGreaterThanOrEqual(spans[n]?.until ?? 0));
    }
    // What the steps saw themselves: a release's lines are not mixed with those of another of its service.
    const serviceOf = new Map((await stored()).map(({ summary }) => [summary.release, summary.service]));
    for (const effects of [here.effects(), there.effects()]) {
      for (const service of ['api', 'web', 'mail']) {
        const order = runsOf(effects.filter(({ release }) => serviceOf.get(release) === service));
        expect(new Set(order).size).toBe(order.length);
      }
    }
  });

  it('shares the work, and each machine does its own', async () => {
    const all = await stored();
    const drivers = (node: Site): Set<string> => {
      const mine = new Set(node.effects().map(({ release }) => release));
      return new Set(
        all
          .filter(({ summary }) => mine.has(summary.release))
          .flatMap(({ events }) => events.flatMap((event) => (event.type === 'driver.claimed' ? [event.data.driver] : []))),
      );
    };
    expect([...drivers(here)].toSorted()).toEqual(
      workers
        .slice(0, 2)
        .map(({ driver }) => driver)
        .toSorted(),
    );
    expect([...drivers(there)]).toEqual([workers[2]?.driver]);
  });

  it('keeps every chain whole and every pack verifiable', async () => {
    for (const { entries } of await stored()) expect(checkChain(entries)).toMatchObject({ verdict: 'pass' });
    for (const site of [here, there]) {
      const keys = loadOrCreateKeys(join(site.home, 'keys'));
      for (const release of new Set(site.effects().map((effect) => effect.release))) {
        const { verdict } = await verifyPack(packFolder(site.home, release), {
          pins: { pack: [fingerprint(keys.pack.publicPem)], log: [] },
        });
        expect(verdict).toBe('pass');
      }
    }
  });
});

/** The releases in the order they wrote, each named once per uninterrupted run of lines. */
function runsOf(effects: readonly Effect[]): readonly string[] {
  return effects.map(({ release }) => release).filter((release, n, all) => release !== all[n - 1]);
}
