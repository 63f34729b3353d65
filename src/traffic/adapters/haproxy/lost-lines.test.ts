import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../test/support/free-port.ts';
import { type Cleanup, ask, createCleanup, scratch, startProcess, until } from '../../../../test/traffic/support.ts';
import { systemClock } from '../../../kernel/index.ts';
import type { LocalRouter, RouteSpec } from '../../ports.ts';
import { createHaproxyRouter } from '../haproxy.ts';

const installed = spawnSync('haproxy', ['-v']).status === 0;
/** Asks so often while whoever starts it stands still, and so reads no line. */
const FLOOD = `
const [port, times] = process.argv.slice(1).map(Number);
for (let done = 0; done < times; done++) await fetch('http://127.0.0.1:' + port).then((answer) => answer.text());
`;

describe.skipIf(!installed)('log lines that are lost (apt-get install haproxy)', () => {
  let cleanup: Cleanup;
  let router: LocalRouter;
  const routeOf = async (service: string): Promise<RouteSpec> => {
    const spec = {
      id: `${service}/prd`,
      listen: { host: '127.0.0.1', port: await freePort() },
      mode: 'open',
      backends: [{ group: `${service}/prd/blue`, version: '1.0.0', weight: 100, process: 'web' }],
    } as const;
    const instance = await startProcess(cleanup, service);
    await router.setEndpoints(`${service}/prd/blue`, [{ host: '127.0.0.1', port: instance.port }]);
    await router.apply(1, spec);
    return spec;
  };
  const countsOf = async ({ id }: RouteSpec) => {
    const stats = await router.stats(id);
    return { since: stats?.since ?? 0, requests: stats?.versions[0]?.requests ?? 0 };
  };

  beforeEach(async () => {
    cleanup = createCleanup();
    const directory = await scratch(cleanup);
    // The system makes it as small as it may be: some lines.
    const limits = { drainMs: 500, logBufferBytes: 1 };
    router = await createHaproxyRouter({
      directory,
      sockets: directory,
      clock: systemClock,
      log: () => undefined,
      random: Math.random,
      limits,
    });
    cleanup.add(null, () => router.close());
  });
  afterEach(() => cleanup.run());

  it('cost their own route its counts, once, and no other route any', async () => {
    const [flooded, quiet] = [await routeOf('shop'), await routeOf('billing')];
    for (const { listen } of [flooded, quiet, quiet]) await ask(listen.port);
    await until('the quiet route is counted', async () => (await countsOf(quiet)).requests === 2);
    const [before, others] = [await countsOf(flooded), await countsOf(quiet)];

    const flood = spawnSync(process.execPath, ['--input-type=module', '-e', FLOOD, String(flooded.listen.port), '300']);
    expect(flood.status).toBe(0);

    await until('it is noticed', async () => (await countsOf(flooded)).since > before.since);
    const { since, requests } = await countsOf(flooded);
    for (let turn = 0; turn < 5; turn++) await ask(flooded.listen.port);
    await until('it counts on', async () => (await countsOf(flooded)).requests >= requests + 5);
    expect(await countsOf(flooded)).toEqual({ since, requests: requests + 5 });
    expect(await countsOf(quiet)).toEqual(others);
  });
});
