import { type Cleanup, scratch } from '../../../test/traffic/support.ts';
import { systemClock } from '../../kernel/index.ts';
import { type RouterRig, routerContract } from '../contract.ts';
import type { Endpoint } from '../ports.ts';
import { createEmbeddedRouter } from './embedded.ts';

routerContract('embedded', createRig);

async function createRig(cleanup: Cleanup): Promise<RouterRig> {
  const directory = await scratch(cleanup);
  const endpoints = new Map<string, readonly Endpoint[]>();
  const start = () =>
    createEmbeddedRouter({
      directory,
      clock: systemClock,
      log: () => undefined,
      random: Math.random,
      endpoints: (group) => endpoints.get(group) ?? [],
      limits: { drainMs: 1_000 },
    });
  let router = await start();
  cleanup.add(null, () => router.close());
  return {
    router: () => router,
    setEndpoints: async (group, list) => {
      endpoints.set(group, list);
      await router.setEndpoints(group, list);
    },
    restart: async () => {
      await router.close();
      router = await start();
    },
  };
}
