import { Agent } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, startLoad, startServer, until } from '../../test/traffic/support.ts';
import { BLUE, local, makeBed, routeOf, type Bed, type CreateRig } from './contract-bed.ts';

/** A bed whose instance `other` breaks every connection while `breaks` is set. */
interface BrokenBed extends Bed {
  breaks: boolean;
}

async function serve(bed: BrokenBed, text: 'good' | 'other'): Promise<number> {
  const { port } = await startServer(bed.cleanup, (request, response) => {
    if (text === 'other' && bed.breaks) request.socket.destroy();
    else response.end(text);
  });
  return port;
}

async function serveTwo(bed: BrokenBed): Promise<void> {
  await bed.rig.setEndpoints(BLUE, local(await serve(bed, 'good'), await serve(bed, 'other')));
  await bed.rig.router().apply(1, routeOf(bed));
}

async function inService({ rig, id }: BrokenBed): Promise<number> {
  return ((await rig.router().inspect(id))?.endpoints ?? []).filter(({ healthy }) => healthy).length;
}

async function counted({ rig, id }: BrokenBed) {
  return (await rig.router().stats(id))?.versions.find(({ group }) => group === BLUE);
}

/** The part of the contract that is about an instance that accepts connections and breaks them. */
export function brokenContract(createRig: CreateRig): void {
  describe('an instance that accepts connections and breaks them', () => {
    let bed: BrokenBed;
    beforeEach(async () => {
      bed = { ...(await makeBed(createRig)), breaks: false };
    });
    afterEach(() => bed.cleanup.run());

    it('is taken out, costs no safe request, and is back when it answers', { timeout: 180_000 }, async () => {
      await serveTwo(bed);
      const load = startLoad(bed.cleanup, bed.port);
      await until('both serve', () => load.done() > 60);
      bed.breaks = true;
      await until('it is out of service', async () => (await inService(bed)) === 1);
      const enough = load.done() + 60;
      await until('some more requests', () => load.done() > enough);
      bed.breaks = false;
      await until('it is back', async () => (await inService(bed)) === 2);
      const more = load.done() + 60;
      await until('both serve again', () => load.done() > more);
      expect([...(await load.stop()).keys()].toSorted()).toEqual(['good', 'other']);
      await until('all are counted', async () => ((await counted(bed))?.requests ?? 0) >= load.done());
      const mine = await counted(bed);
      expect(mine).toMatchObject({ requests: load.done(), errors: 0 });
      expect(mine?.retries).toBeGreaterThan(0);
    });

    it('costs some of what must not be sent twice, each of it counted, and nothing once it is out', { timeout: 180_000 }, async () => {
      await serveTwo(bed);
      const order = { method: 'POST', body: 'an order', perSecond: 100 };
      const load = startLoad(bed.cleanup, bed.port, order);
      await until('both serve', () => load.done() > 40);
      bed.breaks = true;
      await until('it is out of service', async () => (await inService(bed)) === 1);
      const outcomes = await load.stop();
      const failed = load.done() - (outcomes.get('good') ?? 0) - (outcomes.get('other') ?? 0);
      expect(failed).toBeGreaterThan(0);
      await until('all are counted', async () => ((await counted(bed))?.requests ?? 0) >= load.done());
      expect(await counted(bed)).toMatchObject({ requests: load.done(), errors: failed });
      const after = startLoad(bed.cleanup, bed.port, order);
      await until('more than a second of orders', () => after.done() > 120);
      expect([...(await after.stop()).keys()]).toEqual(['good']);
    });

    it('stays when there is no other, is counted, and serves as soon as it can', async () => {
      const [works, fails] = ['other', 'failed'];
      expect(await askAlone(bed, ['GET', 'POST', 'GET', 'POST'])).toEqual(Array.from({ length: 4 }, () => [works, fails, fails]));
      await until('all are counted', async () => ((await counted(bed))?.requests ?? 0) >= 12);
      expect(await counted(bed)).toMatchObject({ requests: 12, errors: 8 });
    });
  });
}

/** For each method: what one GET of the only instance gives while it works, and two such requests while it breaks. */
async function askAlone(bed: BrokenBed, methods: readonly string[]): Promise<readonly (readonly string[])[]> {
  await bed.rig.setEndpoints(BLUE, local(await serve(bed, 'other')));
  await bed.rig.router().apply(1, routeOf(bed));
  const agent = bed.cleanup.add(new Agent({ keepAlive: true, maxSockets: 1 }), (pool) => pool.destroy());
  const outcome = (method: string): Promise<string> =>
    ask(bed.port, { agent, method }).then(
      ({ status, body }) => (status === 200 ? body : 'failed'),
      () => 'failed',
    );
  const outcomes: (readonly string[])[] = [];
  for (const method of methods) {
    bed.breaks = false;
    const working = await outcome('GET');
    bed.breaks = true;
    outcomes.push([working, await outcome(method), await outcome(method)]);
  }
  return outcomes;
}
