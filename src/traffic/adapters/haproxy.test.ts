import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';
import { type Cleanup, scratch } from '../../../test/traffic/support.ts';
import { systemClock } from '../../kernel/index.ts';
import { type RouterRig, routerContract } from '../contract.ts';
import type { Endpoint } from '../ports.ts';
import { createHaproxyRouter } from './haproxy.ts';

const installed = spawnSync('haproxy', ['-v']).status === 0;

describe.skipIf(!installed)('with HAProxy (apt-get install haproxy)', () => {
  routerContract('haproxy', createRig);
});

async function createRig(cleanup: Cleanup): Promise<RouterRig> {
  const directory = await scratch(cleanup);
  const endpoints = new Map<string, readonly Endpoint[]>();
  const start = () =>
    createHaproxyRouter({
      directory,
      sockets: directory,
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
