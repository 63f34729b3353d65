import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/free-port.ts';
import { ask, startLoad, startProcess, startServer, startSocketServer, until, type Cleanup } from '../../test/traffic/support.ts';
import { backend, BLUE, GREEN, local, makeBed, routeOf, serveAs, type Bed, type CreateRig, type RouterRig } from './contract-bed.ts';
import { brokenContract } from './contract-broken.ts';
import { canaryContract } from './contract-canary.ts';
import { cohortContract } from './cohort-contract.ts';
import { PROBE_AGENT } from './core/probe-agent.ts';
import type { RouteSpec } from './ports.ts';

export type { RouterRig } from './contract-bed.ts';

/** What every router keeps, whatever it is made of. */
export function routerContract(name: string, createRig: CreateRig): void {
  describe(`router contract: ${name}`, () => {
    let bed: Bed;
    let cleanup: Cleanup;
    let rig: RouterRig;
    let port: number;
    let id: string;
    const route = (more: Partial<RouteSpec> = {}): RouteSpec => routeOf(bed, more);
    const serve = (group: string, text: string): Promise<number> => serveAs(bed, group, text);

    beforeEach(async () => {
      bed = await makeBed(createRig);
      ({ cleanup, rig, port, id } = bed);
    });
    afterEach(() => cleanup.run());
    brokenContract(createRig);
    canaryContract(createRig);
    cohortContract(createRig);

    it('serves what was applied, says so, and takes the same spec again', async () => {
      await serve(BLUE, 'blue');
      await rig.router().apply(1, route());
      await rig.router().apply(1, route());
      expect((await ask(port)).body).toBe('blue');
      expect(await rig.router().inspect(id)).toMatchObject({
        spec: route(),
        held: 0,
        listening: true,
        endpoints: [{ group: BLUE, healthy: true, inFlight: 0 }],
      });
      expect(await rig.router().inspect('shop/none')).toBeNull();
      expect([await rig.router().stats('shop/none'), await rig.router().history('shop/none', BLUE)]).toEqual([null, null]);
    });

    it.each([5, 25, 50])('splits 10,000 requests at %i % within half a point', { timeout: 180_000 }, async (weight) => {
      await serve(BLUE, 'blue');
      await serve(GREEN, 'green');
      await rig.router().apply(1, route({ backends: [backend(BLUE, 100 - weight), backend(GREEN, weight)] }));
      const load = startLoad(cleanup, port, { perSecond: 20_000 });
      await until('10,000 requests are answered', () => load.done() >= 10_000, 100_000);
      const outcomes = await load.stop();
      const [blue = 0, green = 0] = [outcomes.get('blue'), outcomes.get('green')];
      expect([...outcomes.keys()].toSorted()).toEqual(['blue', 'green']);
      expect(Math.abs((100 * green) / (blue + green) - weight)).toBeLessThanOrEqual(0.5);
    });

    it('loses no request when slots are switched under load', async () => {
      await serve(BLUE, 'blue');
      await serve(GREEN, 'green');
      await rig.router().apply(1, route());
      const reads = startLoad(cleanup, port);
      const writes = startLoad(cleanup, port, { perSecond: 50, method: 'POST', body: 'an order' });
      for (let change = 1; change <= 6; change++) {
        const enough = reads.done() + 60;
        await until('some requests in this slot', () => reads.done() > enough);
        const green = change % 2 === 0 ? 0 : 100;
        await rig.router().apply(1, route({ backends: [backend(BLUE, 100 - green), backend(GREEN, green)] }));
      }
      for (const load of [reads, writes]) expect([...(await load.stop()).keys()].toSorted()).toEqual(['blue', 'green']);
    });

    it('sends nothing to the old slot once a switch is applied', async () => {
      await serve(BLUE, 'blue');
      await serve(GREEN, 'green');
      await rig.router().apply(1, route());
      await rig.router().apply(1, route({ backends: [backend(BLUE, 0), backend(GREEN, 100)] }));
      const bodies = await Promise.all(Array.from({ length: 50 }, async () => (await ask(port)).body));
      expect(new Set(bodies)).toEqual(new Set(['green']));
    });

    it('loses no GET when one of two instances is killed under 300 requests per second', async () => {
      const [first, second] = [await startProcess(cleanup, 'one'), await startProcess(cleanup, 'two')];
      await rig.setEndpoints(BLUE, local(first.port, second.port));
      await rig.router().apply(1, route());
      const load = startLoad(cleanup, port);
      await until('both instances are busy', () => load.done() > 200);
      first.kill();
      await until('600 more requests', () => load.done() > 800);
      await rig.setEndpoints(BLUE, local(second.port));
      await until('300 more requests', () => load.done() > 1_100);
      const outcomes = await load.stop();
      expect([...outcomes.keys()].toSorted()).toEqual(['one', 'two']);
      const stats = (await rig.router().stats(id))?.versions.find(({ group }) => group === BLUE);
      expect(stats).toMatchObject({ errors: 0 });
      expect(stats?.retries).toBeGreaterThan(0);
    });

    it('keeps new requests waiting in mode hold and lets all of them go on when it opens', async () => {
      await serve(BLUE, 'blue');
      await serve(GREEN, 'green');
      await rig.router().apply(1, route());
      const load = startLoad(cleanup, port, { perSecond: 150 });
      await until('traffic flows', () => load.done() > 30);
      await rig.router().apply(1, route({ mode: 'hold' }));
      await until('some requests wait', async () => ((await rig.router().inspect(id))?.held ?? 0) >= 20);
      await until('nothing is in flight', async () => (await rig.router().inspect(id))?.inFlight === 0);
      await rig.router().apply(1, route({ backends: [backend(BLUE, 0), backend(GREEN, 100)] }));
      await until('nobody waits', async () => (await rig.router().inspect(id))?.held === 0);
      expect([...(await load.stop()).keys()].toSorted()).toEqual(['blue', 'green']);
    });

    it('answers 503 with Retry-After when closed, and to those who wait when it closes', async () => {
      await serve(BLUE, 'blue');
      await rig.router().apply(1, route({ mode: 'hold' }));
      const waiting = ask(port);
      await until('it waits', async () => (await rig.router().inspect(id))?.held === 1);
      await rig.router().apply(1, route({ mode: 'closed' }));
      for (const reply of [await waiting, await ask(port)]) {
        expect(reply.status).toBe(503);
        expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
      }
    });

    it('answers 503 without an endpoint, and counts it as unrouted', async () => {
      await rig.router().apply(1, route());
      expect((await ask(port)).status).toBe(503);
      expect(await rig.router().stats(id)).toMatchObject({ unrouted: 1, versions: [] });
    });

    it('lets a request finish whose endpoint is taken away', async () => {
      const answers: (() => void)[] = [];
      const slow = await startServer(cleanup, (_request, response) => void answers.push(() => response.end('slow')));
      await rig.setEndpoints(BLUE, local(slow.port));
      await rig.router().apply(1, route());
      const before = ask(port);
      await until('the request is there', () => answers.length === 1);
      await serve(BLUE, 'new');
      expect((await ask(port)).body).toBe('new');
      await rig.router().apply(1, route({ backends: [backend(GREEN, 100)] }));
      answers[0]?.();
      expect((await before).body).toBe('slow');
    });

    it('refuses a stale fence, also after the route was removed, and changes nothing', async () => {
      await serve(BLUE, 'blue');
      await rig.router().apply(7, route());
      await expect(rig.router().apply(6, route({ mode: 'closed' }))).rejects.toMatchObject({ code: 'fenced' });
      await expect(rig.router().remove(6, id)).rejects.toMatchObject({ code: 'fenced' });
      expect((await ask(port)).body).toBe('blue');
      await rig.router().remove(7, id);
      await expect(rig.router().apply(6, route())).rejects.toMatchObject({ code: 'fenced' });
    });

    it('has port, mode, weights and fences again after a restart', async () => {
      await serve(BLUE, 'blue');
      await serve(GREEN, 'green');
      const spec = route({ backends: [backend(BLUE, 0), backend(GREEN, 100)] });
      await rig.router().apply(3, spec);
      await rig.restart();
      expect((await ask(port)).body).toBe('green');
      expect((await rig.router().inspect(id))?.spec).toEqual(spec);
      await expect(rig.router().apply(2, route())).rejects.toMatchObject({ code: 'fenced' });
      await rig.router().apply(4, route({ mode: 'closed' }));
      await rig.restart();
      expect((await ask(port)).status).toBe(503);
    });

    it('refuses a port that is taken and leaves the route as it was', async () => {
      await serve(BLUE, 'blue');
      await rig.router().apply(1, route());
      const other = await startSocketServer(cleanup, (socket) => socket.end());
      await expect(rig.router().apply(1, route({ mode: 'closed', listen: { host: '127.0.0.1', port: other.port } }))).rejects.toMatchObject(
        { code: 'port_in_use' },
      );
      expect((await ask(port)).body).toBe('blue');
      expect((await rig.router().inspect(id))?.spec).toEqual(route());
    });

    it('says before it is asked to listen whether it could: nobody there, itself, a program, another route', async () => {
      const at = (host: string, where: number) => rig.router().canListen(id, { host, port: where });
      expect(await at('127.0.0.1', port)).toMatchObject({ verdict: 'pass', reason: expect.stringContaining('is free') as string });
      // Asking took nothing and left nothing.
      expect(await rig.router().inspect(id)).toBeNull();
      await rig.router().apply(1, route({ mode: 'closed' }));
      const already = expect.stringContaining(`the route ${id} listens on 127.0.0.1:${port} already`) as string;
      expect(await at('127.0.0.1', port)).toMatchObject({ verdict: 'pass', reason: already });
      await rig.restart();
      expect(await at('127.0.0.1', port)).toMatchObject({ verdict: 'pass', reason: already });

      const program = await startSocketServer(cleanup, (socket) => socket.end());
      expect(await at('127.0.0.1', program.port)).toMatchObject({
        verdict: 'fail',
        reason: expect.stringContaining(`Another program already listens on 127.0.0.1:${program.port}`) as string,
        fix: expect.stringContaining('choose another port') as string,
      });
      expect(await at('192.0.2.1', await freePort())).toMatchObject({
        verdict: 'fail',
        reason: '192.0.2.1 is not an address of this machine',
      });

      const other = await freePort();
      await rig.router().apply(1, route({ id: 'billing/prd', listen: { host: '127.0.0.1', port: other }, mode: 'closed' }));
      for (const host of ['127.0.0.1', '0.0.0.0'])
        expect(await at(host, other)).toMatchObject({
          verdict: 'fail',
          reason: expect.stringContaining('the route of billing/prd') as string,
        });
      // What it would have to give up first is not free for it either.
      const wider = await at('0.0.0.0', port);
      expect(wider).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('cannot be taken beside it') as string });
      await expect(rig.router().apply(1, route({ listen: { host: '0.0.0.0', port } }))).rejects.toMatchObject({ code: 'port_in_use' });
      expect((await ask(port)).status).toBe(503);
    });

    it('moves to another port and gives the old one back', async () => {
      await serve(BLUE, 'blue');
      await rig.router().apply(1, route());
      const next = await freePort();
      await rig.router().apply(1, route({ listen: { host: '127.0.0.1', port: next } }));
      expect((await ask(next)).body).toBe('blue');
      await until('the old port is free', () =>
        ask(port).then(
          () => false,
          () => true,
        ),
      );
    });

    it.each([
      ['weights that do not sum to 100', { backends: [backend(BLUE, 60), backend(GREEN, 60)] }],
      ['a fraction of a percent', { backends: [backend(BLUE, 99.5), backend(GREEN, 0.5)] }],
      ['port 0', { listen: { host: '127.0.0.1', port: 0 } }],
      ['an unknown mode', { mode: 'ajar' as 'open' }],
    ])('refuses %s and leaves the route as it was', async (_what, wrong) => {
      await rig.router().apply(1, route());
      await expect(rig.router().apply(1, route(wrong))).rejects.toMatchObject({ code: 'config_invalid' });
      expect((await rig.router().inspect(id))?.spec).toEqual(route());
    });

    it('counts requests, errors and latencies per version', async () => {
      const server = await startServer(cleanup, (request, response) => {
        response.statusCode = Number(request.url?.slice(1));
        response.end();
      });
      await rig.setEndpoints(BLUE, local(server.port));
      await rig.router().apply(1, route());
      // Slipway's own questions are answered, and are no users.
      expect((await ask(port, { path: '/500', headers: { 'user-agent': PROBE_AGENT } })).status).toBe(500);
      for (const status of [200, 200, 204, 301, 404, 500, 503]) await ask(port, { path: `/${status}` });
      await until('the last one is counted', async () => (await rig.router().stats(id))?.versions[0]?.requests === 7);
      const [mine] = (await rig.router().stats(id))?.versions ?? [];
      expect(mine).toMatchObject({ group: BLUE, requests: 7, errors: 2, clientErrors: 1, retries: 0, recent: { errors: 2 } });
      expect(mine?.latency.counts).toHaveLength(mine?.latency.boundsMs.length ?? -1);
      expect(mine?.latency.counts.reduce((sum, count) => sum + count, 0)).toBe(7);
      expect(await rig.router().history(id, BLUE)).toMatchObject([{ instance: `127.0.0.1:${server.port}` }]);
    });

    it('forgets a removed route, and removes nothing twice', async () => {
      await serve(BLUE, 'blue');
      await rig.router().apply(1, route());
      for (let turn = 0; turn < 2; turn++) await rig.router().remove(1, id);
      expect(await rig.router().inspect(id)).toBeNull();
      await expect(ask(port)).rejects.toThrow('ECONNREFUSED');
      await rig.restart();
      expect(await rig.router().inspect(id)).toBeNull();
    });
  });
}
