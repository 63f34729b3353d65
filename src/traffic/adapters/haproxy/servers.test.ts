import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../test/support/free-port.ts';
import { type Cleanup, ask, createCleanup, scratch, startLoad, startServer, until } from '../../../../test/traffic/support.ts';
import { systemClock } from '../../../kernel/index.ts';
import type { Endpoint, LocalRouter } from '../../ports.ts';
import { createHaproxyRouter } from '../haproxy.ts';
import { openRuntime } from './runtime.ts';
import { readStatistics } from './statistics.ts';

const GROUP = 'shop/prd/blue';
const installed = spawnSync('haproxy', ['-v']).status === 0;

describe.skipIf(!installed)('instances that come and go (apt-get install haproxy)', () => {
  let cleanup: Cleanup;
  let directory: string;
  let router: LocalRouter;
  let port: number;

  beforeEach(async () => {
    cleanup = createCleanup();
    directory = await scratch(cleanup);
    const limits = { drainMs: 500, auditMs: 50, forgetMs: 200 };
    router = await createHaproxyRouter({
      directory,
      sockets: directory,
      clock: systemClock,
      log: () => undefined,
      random: Math.random,
      limits,
    });
    cleanup.add(null, () => router.close());
    port = await freePort();
    await router.apply(1, {
      id: 'shop/prd',
      listen: { host: '127.0.0.1', port },
      mode: 'open',
      backends: [
        { group: GROUP, version: '1.0.0', weight: 100, process: 'web' },
        { group: 'shop/prd/green', version: '1.1.0', weight: 0, process: 'web' },
      ],
    });
  });
  afterEach(() => cleanup.run());

  /** What HAProxy itself has in memory, those of the other version included. */
  const known = async (): Promise<readonly string[]> => {
    const { socket } = JSON.parse(readFileSync(join(directory, 'haproxy', 'process.json'), 'utf8')) as { readonly socket: string };
    const runtime = await openRuntime(socket);
    const rows = readStatistics(await runtime.ask('show stat'));
    runtime.close();
    return rows.filter(({ server }) => /:\d+$/.test(server)).map(({ server }) => server);
  };
  const serve = async (text: string): Promise<Endpoint> => {
    const one = await startServer(cleanup, (_request, response) => {
      // HAProxy keeps idle connections for some seconds, and the instance with them.
      response.shouldKeepAlive = false;
      response.end(text);
    });
    return { host: '127.0.0.1', port: one.port };
  };
  const namesOf = (...endpoints: readonly Endpoint[]): readonly string[] =>
    endpoints.flatMap(({ host, port: at }) => [`${host}:${at}`, `other-${host}:${at}`]).toSorted();

  it('are forgotten by HAProxy once they left, without a failed request, and one that comes back serves', async () => {
    const instances = [await serve('0'), await serve('1'), await serve('2'), await serve('3')];
    await router.setEndpoints(GROUP, instances.slice(0, 1));
    const load = startLoad(cleanup, port);
    for (const next of instances.slice(1)) {
      const enough = load.done() + 30;
      await until('it serves', () => load.done() > enough);
      await router.setEndpoints(GROUP, [next]);
    }
    await until('only the last one is known', async () => (await known()).length === 2);
    expect((await known()).toSorted()).toEqual(namesOf(...instances.slice(3)));
    await router.setEndpoints(GROUP, instances.slice(0, 1));
    const enough = load.done() + 30;
    await until('the first one serves again', () => load.done() > enough);
    expect((await ask(port)).body).toBe('0');
    expect([...(await load.stop()).keys()].toSorted()).toEqual(['0', '1', '2', '3']);
  });

  it('are not forgotten while they answer a request', async () => {
    const answers: (() => void)[] = [];
    const slow = await startServer(cleanup, (_request, response) => void answers.push(() => response.end('slow')));
    const [first, second] = [{ host: '127.0.0.1', port: slow.port }, await serve('new')];
    await router.setEndpoints(GROUP, [first]);
    const before = ask(port);
    await until('the request is there', () => answers.length === 1);
    const third = await serve('newer');
    await router.setEndpoints(GROUP, [second]);
    await router.setEndpoints(GROUP, [third]);
    // The second one left later, so the first one was tried before it.
    await until('the second one is forgotten', async () => !(await known()).includes(`127.0.0.1:${second.port}`));
    expect(await known()).toContain(`127.0.0.1:${first.port}`);
    answers[0]?.();
    expect((await before).body).toBe('slow');
    await until('the first one is forgotten as well', async () => (await known()).length === 2);
  });
});
