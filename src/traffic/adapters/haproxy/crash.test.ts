import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../test/support/free-port.ts';
import { signalOne } from '../../../../test/support/signal.ts';
import { ask, type Cleanup, createCleanup, scratch, startLoad, startServer, until } from '../../../../test/traffic/support.ts';
import { systemClock } from '../../../kernel/index.ts';
import type { Endpoint, LocalRouter, RouteSpec } from '../../ports.ts';
import { createHaproxyRouter } from '../haproxy.ts';
import { endHaproxy, runningHaproxy } from './outside.ts';

const ID = 'shop/prd';
const installed = spawnSync('haproxy', ['-v']).status === 0;

describe.skipIf(!installed)('a HAProxy that ends, is left or is lied about (apt-get install haproxy)', () => {
  let cleanup: Cleanup;
  let directory: string;
  let router: LocalRouter;
  let route: RouteSpec;
  const known = new Map<string, readonly Endpoint[]>();
  /** While this file is there, HAProxy refuses every configuration. */
  const refuses = (): string => join(directory, 'refuses');
  const start = async (): Promise<LocalRouter> =>
    createHaproxyRouter({
      directory,
      sockets: directory,
      program: join(directory, 'program'),
      clock: systemClock,
      log: () => undefined,
      random: Math.random,
      endpoints: (group) => known.get(group) ?? [],
      limits: { drainMs: 500 },
    });
  const pid = (): number => (JSON.parse(readFileSync(join(directory, 'haproxy', 'process.json'), 'utf8')) as { readonly pid: number }).pid;
  const serve = async (group: string, text: string): Promise<void> => {
    const { port } = await startServer(cleanup, (_request, response) => void response.end(text));
    known.set(group, [{ host: '127.0.0.1', port }]);
    await router.setEndpoints(group, known.get(group) ?? []);
  };

  beforeEach(async () => {
    cleanup = createCleanup();
    directory = await scratch(cleanup);
    const script = `#!/bin/sh\n[ "$1" = -c ] && [ -e '${refuses()}' ] && echo '[ALERT] (1) : no such keyword' && exit 1\nexec haproxy "$@"\n`;
    writeFileSync(join(directory, 'program'), script, { mode: 0o700 });
    router = await start();
    cleanup.add(null, () => router.close());
    route = {
      id: ID,
      listen: { host: '127.0.0.1', port: await freePort() },
      mode: 'open',
      backends: [
        { group: 'shop/prd/blue', version: '1.0.0', weight: 100, process: 'web' },
        { group: 'shop/prd/green', version: '1.1.0', weight: 0, process: 'web' },
      ],
    };
    await serve('shop/prd/blue', 'blue');
    await serve('shop/prd/green', 'green');
    await router.apply(1, route);
  });
  afterEach(() => cleanup.run());

  it('is started again by itself after kill -9, with what was last recorded, and counts from zero', async () => {
    const before = await router.stats(ID);
    const killed = pid();
    signalOne(killed);
    await until('another one serves', async () => pid() !== killed && (await router.inspect(ID))?.listening === true);
    const answers = await Promise.all(Array.from({ length: 20 }, async () => (await ask(route.listen.port)).body));
    expect(new Set(answers)).toEqual(new Set(['blue']));
    expect((await router.stats(ID))?.since).toBeGreaterThan(before?.since ?? 0);
  });

  it('takes a change that is made while it is being killed', async () => {
    signalOne(pid());
    await router.apply(1, { ...route, mode: 'closed' });
    const status = (): Promise<number> =>
      ask(route.listen.port).then(
        (reply) => reply.status,
        () => 0,
      );
    await until('it answers', async () => (await status()) !== 0);
    expect(await status()).toBe(503);
  });

  it('is replaced when it hangs', { timeout: 180_000 }, async () => {
    const stopped = pid();
    signalOne(stopped, 'SIGSTOP');
    await until('another one serves', async () => pid() !== stopped && (await router.inspect(ID))?.listening === true);
    expect((await ask(route.listen.port)).body).toBe('blue');
  });

  it('that refuses the configuration is not called a port in use, and serves as before', async () => {
    writeFileSync(refuses(), '');
    const moved = router.apply(1, { ...route, listen: { host: '127.0.0.1', port: await freePort() } });
    await expect(moved).rejects.toThrow(/^HAProxy was not replaced, the route is as it was: .*no such keyword/);
    await expect(moved).rejects.not.toMatchObject({ code: 'port_in_use' });
    expect((await ask(route.listen.port)).body).toBe('blue');
    expect((await router.inspect(ID))?.spec).toEqual(route);
  });

  it('has no removed route, also when it cannot be replaced', async () => {
    writeFileSync(refuses(), '');
    await router.remove(1, ID);
    await expect(ask(route.listen.port)).rejects.toThrow('ECONNREFUSED');
    expect(await router.inspect(ID)).toBeNull();
  });

  it('serves while no agent runs, and is taken over without a failed request', async () => {
    const load = startLoad(cleanup, route.listen.port);
    await until('traffic flows', () => load.done() > 50);
    await router.leave();
    await until('it goes on alone', () => load.done() > 150);
    router = await start();
    await router.apply(1, route);
    await until('it goes on', () => load.done() > 300);
    expect([...(await load.stop()).keys()]).toEqual(['blue']);
  });

  it('that took over when the agent was killed in the middle of it is found by the next', async () => {
    await router.leave();
    const left = pid();
    // The agent dies the moment it has started another process: what that one is was never noted.
    const killer = join(directory, 'killer');
    writeFileSync(killer, `#!/bin/sh\n[ "$1" = -db ] && kill -9 $PPID\nexec haproxy "$@"\n`, { mode: 0o700 });
    const agent = `import { createHaproxyRouter } from '${resolve(import.meta.dirname, '../haproxy.ts')}';
      import { systemClock } from '${resolve(import.meta.dirname, '../../../kernel/index.ts')}';
      const known = ${JSON.stringify(Object.fromEntries(known))};
      await createHaproxyRouter({ directory: '${directory}', sockets: '${directory}', program: '${killer}', clock: systemClock,
        log() {}, random: Math.random, endpoints: (group) => known[group] ?? [] });
      setInterval(() => undefined, 1_000);`;
    expect(spawnSync(process.execPath, ['--input-type=module', '-e', agent]).signal).toBe('SIGKILL');

    const found = await runningHaproxy(directory, systemClock);
    expect(found).not.toBeNull();
    expect(found).not.toBe(left);
    router = await start();
    await until('it is replaced', () => pid() !== left && pid() !== found);
    expect((await ask(route.listen.port)).body).toBe('blue');
    await until('nobody else has the port', () => !existsSync(`/proc/${found}`));
  });

  it('gives its ports to another router', async () => {
    await router.leave();
    expect(await runningHaproxy(directory, systemClock)).toBe(pid());
    await endHaproxy(directory, systemClock);
    expect(await runningHaproxy(directory, systemClock)).toBeNull();
    await expect(ask(route.listen.port)).rejects.toThrow('ECONNREFUSED');
  });

  it('counts no line that somebody else on this machine sends', async () => {
    const port = Number(/log 127\.0\.0\.1:(\d+)/.exec(readFileSync(join(directory, 'haproxy', 'haproxy.cfg'), 'utf8'))?.[1]);
    const liar = cleanup.add(createSocket('udp4'), (socket) => socket.close());
    const line = `guess ${pid()} shop.prd 1 1 shop.prd.a 127.0.0.1:1 500 1 0 0 0 1 0 -- -`;
    await new Promise((resolve) => liar.send(line, port, '127.0.0.1', resolve));
    await ask(route.listen.port);
    await until('the true one is counted', async () => (await router.stats(ID))?.versions[0]?.requests === 1);
    expect((await router.stats(ID))?.versions).toMatchObject([{ requests: 1, errors: 0 }]);
  });

  it('says what to install when it is missing', async () => {
    const missing = createHaproxyRouter({
      directory,
      sockets: directory,
      program: 'no-haproxy-here',
      clock: systemClock,
      log: () => undefined,
      random: Math.random,
    });
    await expect(missing).rejects.toMatchObject({
      code: 'client_tool_missing',
      hint: expect.stringContaining('apt-get install haproxy') as string,
    });
  });
});
