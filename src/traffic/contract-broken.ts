import { Agent } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, startLoad, startServer, until } from '../../test/traffic/support.ts';
import { BLUE, local, makeBed, routeOf, type Bed, type CreateRig } from './contract-bed.ts';

/** The part of the contract that is about an instance that accepts connections and breaks them. */
export function brokenContract(createRig: CreateRig): void {
  describe('an instance that accepts connections and breaks them', () => {
    let bed: Bed;
    let breaks: boolean;
    beforeEach(async () => {
      bed = await makeBed(createRig);
      breaks = false;
    });
    afterEach(() => bed.cleanup.run());

    const serve = async (text: string, isBroken: () => boolean): Promise<number> => {
      const { port } = await startServer(bed.cleanup, (request, response) => {
        if (isBroken()) request.socket.destroy();
        else response.end(text);
      });
      return port;
    };
    const serveTwo = async (): Promise<void> => {
      await bed.rig.setEndpoints(BLUE, local(await serve('good', () => false), await serve('other', () => breaks)));
      await bed.rig.router().apply(1, routeOf(bed));
    };
    const inService = async (): Promise<number> =>
      ((await bed.rig.router().inspect(bed.id))?.endpoints ?? []).filter(({ healthy }) => healthy).length;
    const counted = async () => (await bed.rig.router().stats(bed.id))?.versions.find(({ group }) => group === BLUE);

    it('is taken out, costs no safe request, and is back when it answers', { timeout: 60_000 }, async () => {
      await serveTwo();
      const load = startLoad(bed.cleanup, bed.port);
      await until('both serve', () => load.done() > 60);
      breaks = true;
      await until('it is out of service', async () => (await inService()) === 1);
      const enough = load.done() + 60;
      await until('some more requests', () => load.done() > enough);
      breaks = false;
      await until('it is back', async () => (await inService()) === 2, 40_000);
      const more = load.done() + 60;
      await until('both serve again', () => load.done() > more);
      expect([...(await load.stop()).keys()].toSorted()).toEqual(['good', 'other']);
      const mine = await counted();
      expect(mine).toMatchObject({ requests: load.done(), errors: 0 });
      expect(mine?.retries).toBeGreaterThan(0);
    });

    it('costs some of what must not be sent twice, each of it counted, and nothing once it is out', { timeout: 60_000 }, async () => {
      await serveTwo();
      const order = { method: 'POST', body: 'an order', perSecond: 100 };
      const load = startLoad(bed.cleanup, bed.port, order);
      await until('both serve', () => load.done() > 40);
      breaks = true;
      await until('it is out of service', async () => (await inService()) === 1);
      const outcomes = await load.stop();
      const failed = [...outcomes].reduce((sum, [outcome, times]) => (['good', 'other'].includes(outcome) ? sum : sum + times), 0);
      expect(failed).toBeGreaterThan(0);
      expect(await counted()).toMatchObject({ requests: load.done(), errors: failed });
      const after = startLoad(bed.cleanup, bed.port, order);
      await until('more than a second of orders', () => after.done() > 120);
      expect([...(await after.stop()).keys()]).toEqual(['good']);
    });

    it('stays when there is no other, is counted, and serves as soon as it can', async () => {
      await bed.rig.setEndpoints(BLUE, local(await serve('other', () => breaks)));
      await bed.rig.router().apply(1, routeOf(bed));
      const agent = bed.cleanup.add(new Agent({ keepAlive: true, maxSockets: 1 }), (pool) => pool.destroy());
      const outcome = (method: string): Promise<string> =>
        ask(bed.port, { agent, method }).then(
          ({ status, body }) => (status === 200 ? body : 'failed'),
          () => 'failed',
        );
      for (const method of ['GET', 'POST', 'GET', 'POST']) {
        breaks = false;
        expect(await outcome('GET')).toBe('other');
        breaks = true;
        expect(await outcome(method)).toBe('failed');
        expect(await outcome(method)).toBe('failed');
      }
      expect(await counted()).toMatchObject({ requests: 12, errors: 8 });
    });
  });
}
