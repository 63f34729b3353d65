import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { makeAgentPlaces } from '../../src/server/index.ts';
import { createEmbeddedRouter, createRouterRoutes, type LocalRouter } from '../../src/traffic/index.ts';
import { freePort } from '../support/free-port.ts';
import { ask as askRouter, createCleanup, scratch as scratchFolder, startServer, until, type Cleanup } from '../traffic/support.ts';
import { inProcess, scratch } from './support.ts';

const home = scratch();
afterAll(home.remove);

const QUICK = ['--schedule', '10%:10m', '--runs', '10', '--seed', '3', '--errors', '10%'];
const ask = async (...args: readonly string[]): ReturnType<typeof inProcess> =>
  inProcess(['-C', home.path, 'simulate', '--traffic', '6000', ...QUICK, ...args], { LANG: 'C.UTF-8' });

describe('slipway simulate', () => {
  it('needs no configuration, release or agent, makes nothing, and tells chance, time and cost', async () => {
    const { exit, out, err } = await ask();
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(out).toMatch(/canary fails {2}caught {2}median {2}95 of 100 {2}harmed/);
    expect(out).toMatch(/^10 % +100 % +[\d.]+s/m);
    expect(out).toMatch(/a canary that is no worse: 0 % rolled back \(at most 26 %, at 95 %\)/);
    expect(out).toContain('--seed 3 repeats them');
    expect(out).toContain('│');
    expect(readdirSync(home.path)).toEqual([]);
    expect((await ask()).out).toBe(out);
  });

  it('keeps to ASCII where the locale has nothing else', async () => {
    const args = ['-C', home.path, 'simulate', '--traffic', '6000', ...QUICK];
    const { out } = await inProcess(args, { LC_ALL: 'C', LANG: 'en_US.UTF-8' });
    expect(out).toMatch(/^[\n -~]*$/);
  });

  it('--json has the same as one document, --svg the plot as a file', async () => {
    const file = join(home.path, 'plot.svg');
    const { out } = await ask('--json', '--svg', file);
    expect(JSON.parse(out)).toMatchObject({
      runs: 10,
      seed: 3,
      perMinute: 6000,
      baseline: 0.005,
      judge: 'sequential',
      svg: file,
      healthy: { errors: null, failed: 0 },
      canaries: [{ errors: 0.1, failed: 1, failMs: { median: expect.any(Number), p95: expect.any(Number) }, harmed: expect.any(Number) }],
    });
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg [\s\S]+<\/svg>\n$/);
  });

  it('takes the policy of the file, or of another one', async () => {
    const lax = join(home.path, 'lax.yaml');
    writeFileSync(
      lax,
      'service: shop\nlisten: 8080\nrun: node server.js\nstrategy: { name: canary, because: a test, errors: { margin: 50, limit: 99% }, schedule: [{ weight: 20%, for: 10m }] }\n',
    );
    const args = ['-C', home.path, 'simulate', '--traffic', '6000', '--runs', '10', '--errors', '10%', '--json', '--policy', lax];
    const { out, err } = await inProcess(args);
    expect(err).toBe('');
    // Ten percent are twenty times the baseline, and fifty times are tolerated.
    expect(JSON.parse(out)).toMatchObject({ schedule: [{ share: 0.2, forMs: 600_000 }], canaries: [{ failed: 0 }] });
  });

  it.each(['documented', 'threshold, threshold: [{ failure: "> 5%", interval: 1m, window: 1m }]', 'mann-whitney'])(
    'asks the judge %s',
    async (judge) => {
      const other = join(home.path, 'other.yaml');
      writeFileSync(
        other,
        `service: shop\nlisten: 8080\nrun: node server.js\nstrategy: { name: canary, because: a test, judge: ${judge}, schedule: [{ weight: 20%, for: 70m }] }\n`,
      );
      const args = [
        '-C',
        home.path,
        'simulate',
        '--traffic',
        '6000',
        '--runs',
        '10',
        '--seed',
        '1',
        '--errors',
        '20%',
        '--json',
        '--policy',
        other,
      ];
      const { out, err } = await inProcess(args);
      expect(err).toBe('');
      expect(out.includes('assumed to be alike')).toBe(judge === 'documented');
      expect(JSON.parse(out)).toMatchObject({ judge: judge.split(',')[0], healthy: { failed: 0 }, canaries: [{ failed: 1 }] });
    },
  );

  it.each([
    [['--traffic', '1e9'], 'a whole number from 1'],
    [['--traffic', '600', '--baseline', '60%'], 'an outage'],
    [['--traffic', '600', '--baseline', '5'], 'a share in percent'],
    [['--traffic', '600', '--errors', '0.1%'], 'nothing to catch'],
    [['--traffic', '600', '--errors', '1%,2%,3%,4%,5%,6%,7%,8%,9%'], 'at most 8'],
    [['--traffic', '600', '--schedule', '10%:1h,5%:1h'], 'weights only rise'],
    [['--traffic', '600', '--schedule', '2.5%:1h'], 'whole percent'],
    [['--traffic', '600', '--schedule', '5%:soon'], 'a length of time'],
    [['--traffic', '600', '--after', '2d'], 'not before the end'],
    [['--traffic', '600', '--within', '400d'], 'a length of time'],
    [['--traffic', '600', '--runs', '1000000'], 'from 10 to 10000'],
    [['--traffic', '600', '--seed', '-1'], 'a whole number from 0'],
    [['--traffic', '600', '--policy', '/no/such.yaml'], 'There is no /no/such.yaml'],
    [['--traffic', '600', '--svg', '/no/such/plot.svg', ...QUICK], 'cannot be written'],
    [[], 'how much traffic'],
  ])('refuses %j', async (args, said) => {
    const ran = await inProcess(['-C', home.path, 'simulate', ...args]);
    expect(ran).toMatchObject({ exit: 2, out: '', err: expect.stringContaining(said) });
    expect(ran.err).toMatch(/^error: .+\nhint: .+\n$/);
  });

  it('asks the router only where an agent runs', async () => {
    expect(await inProcess(['-C', home.path, 'simulate', '--from', 'router'])).toMatchObject({
      exit: 4,
      err: expect.stringContaining('No agent here has counted'),
    });
  });

  it('takes from the router whole minutes of what serves, with how much its instances scatter', async () => {
    const cleanup = createCleanup();
    try {
      const folder = await scratchFolder(cleanup);
      const state = join(folder, 'home');
      const [blue, green] = [await startServer(cleanup, failing(5)), await startServer(cleanup, failing(1_000))];
      // It stands still but for whole minutes.
      let now = systemClock.now();
      const clock = { ...systemClock, now: () => now, monotonic: () => now };
      const port = await freePort();
      const endpoints = (group: string) => [{ host: '127.0.0.1', port: group === 'shop/dev/blue' ? blue.port : green.port }];
      const options = { directory: folder, clock, log: () => undefined, random: Math.random, endpoints, limits: { drainMs: 100 } };
      const router = await createEmbeddedRouter(options);
      cleanup.add(router, (one) => one.close());
      const backend = (version: string, group: string, weight: number) => ({ version, group, weight, process: 'web' });
      await router.apply(1, {
        id: 'shop/dev',
        listen: { host: '127.0.0.1', port },
        mode: 'open',
        backends: [backend('1.0.0', 'shop/dev/blue', 100), backend('1.1.0', 'shop/dev/green', 0)],
      });
      await serveRouter(cleanup, state, router);
      for (let minute = 0; minute < 4; minute++) {
        for (let n = 0; n < 10; n++) await askRouter(port);
        // Whoever has its answer may not be counted yet, and would be in the next minute.
        await until('all are counted', async () => countOf(await router.stats('shop/dev')) === 10 * (minute + 1));
        now += 60_000;
      }
      writeFileSync(join(folder, 'slipway.yaml'), 'service: shop\nlisten: 8080\nrun: node server.js\n');
      const args = ['-C', folder, 'simulate', '--from', 'router', '--schedule', '20%:10m', '--runs', '10', '--errors', '90%', '--json'];
      const { out, err } = await inProcess(args, { SLIPWAY_HOME: state });
      expect(err).toBe('');
      // The first minute of an instance is not a whole one.
      expect(JSON.parse(out)).toMatchObject({
        perMinute: 10,
        baseline: 0.2,
        notes: expect.arrayContaining(['traffic and baseline: counted by the router in the last 3 min of 1.0.0']) as unknown,
      });
    } finally {
      await cleanup.run();
    }
  });
});

function countOf(stats: Awaited<ReturnType<LocalRouter['stats']>>): number {
  return (stats?.versions ?? []).reduce((sum, { requests }) => sum + requests, 0);
}

/** Fails every so-manieth request. */
function failing(every: number): (request: unknown, response: ServerResponse) => void {
  let asked = 0;
  return (_request, response) => {
    response.statusCode = ++asked % every === 0 ? 500 : 200;
    response.end('ok');
  };
}

/** What an agent's socket answers of its router. */
async function serveRouter(cleanup: Cleanup, state: string, router: LocalRouter): Promise<void> {
  const { socket } = makeAgentPlaces(state);
  mkdirSync(dirname(socket), { recursive: true });
  const server = createAdaptorServer({ fetch: (await createRouterRoutes(router, () => undefined)).fetch });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  cleanup.add(server, (one) => void one.close());
}
