import { sourceContract, type SourceHarness } from '../../src/analysis/contract.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { createRouterSource } from '../../src/release/router-source.ts';
import { createEmbeddedRouter, type LocalRouter } from '../../src/traffic/index.ts';
import { freePort } from '../support/free-port.ts';
import { ask, createCleanup, scratch, startServer } from '../traffic/support.ts';
import { QUESTION } from './support.ts';

const SIDES = ['canary', 'stable'] as const;
const done = async (): Promise<void> => undefined;

async function routerHarness(): Promise<SourceHarness> {
  const cleanup = createCleanup();
  const directory = await scratch(cleanup);
  const port = await freePort();
  const { port: backend } = await startServer(cleanup, (request, response) => {
    response.statusCode = request.url === '/bad' ? 500 : 200;
    response.end('ok');
  });
  let router: LocalRouter | null = null;
  const apply = async (canaryWeight: number): Promise<void> =>
    router?.apply(1, {
      id: 'shop/prd',
      listen: { host: '127.0.0.1', port },
      mode: 'open',
      backends: SIDES.map((side) => ({ ...QUESTION[side], weight: side === 'canary' ? canaryWeight : 100 - canaryWeight, process: 'web' })),
    });
  const start = async (): Promise<void> => {
    const options = {
      directory,
      clock: systemClock,
      log: () => undefined,
      random: Math.random,
      endpoints: () => [{ host: '127.0.0.1', port: backend }],
      limits: { drainMs: 500 },
    };
    router = await createEmbeddedRouter(options);
    await apply(0);
  };
  const kill = async (): Promise<void> => {
    await router?.close();
    router = null;
  };
  await start();
  return {
    source: () =>
      createRouterSource(
        { stats: (route) => (router === null ? Promise.reject(new Error('no agent answers')) : router.stats(route)) },
        'shop/prd',
        'errors',
      ),
    question: QUESTION,
    count: async (more) => {
      for (const side of SIDES) {
        await apply(side === 'canary' ? 100 : 0);
        const { requests, bad } = more[side];
        for (let n = 0; n < requests; n++) await ask(port, { path: n < bad ? '/bad' : '/' });
      }
    },
    settled: done,
    reset: async () => {
      await kill();
      await start();
    },
    kill,
    revive: start,
    close: async () => {
      await kill();
      await cleanup.run();
    },
  };
}

sourceContract('router', { unknownVersion: 'zero' }, routerHarness);
