import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROUTE, createEmbeddedRig } from '../../../../test/traffic/embedded-rig.ts';
import { freePort } from '../../../../test/support/free-port.ts';
import { type Cleanup, ask, createCleanup, raw, scratch, startServer, startSocketServer, until } from '../../../../test/traffic/support.ts';
import { systemClock } from '../../../kernel/index.ts';
import { createEmbeddedRouter } from '../embedded.ts';

describe('embedded router: state, hold and drain', () => {
  let cleanup: Cleanup;
  beforeEach(() => {
    cleanup = createCleanup();
  });
  afterEach(() => cleanup.run());

  const reopen = async (directory: string, log: string[] = []) => {
    const router = await createEmbeddedRouter({
      directory,
      clock: systemClock,
      log: (_level, message) => void log.push(message),
      random: Math.random,
      limits: { listenRetryMs: 10, drainMs: 100 },
    });
    return cleanup.add(router, (running) => running.close());
  };

  it.each([
    ['half a file', '{"format":1,"routes":[{"id":"shop/p'],
    ['nothing', ''],
    ['another format', '{"format":2,"routes":[],"fences":{}}'],
    [
      'a route that cannot be',
      '{"format":1,"routes":[{"id":"shop/prd","listen":{"host":"h","port":80},"mode":"open","backends":[{"group":"g","version":"1","weight":7,"process":"web"}]}],"fences":{}}',
    ],
  ])('refuses to start on %s and leaves the file alone', async (_what, text) => {
    const directory = await scratch(cleanup);
    await writeFile(join(directory, 'routes.json'), text);
    const failure = await reopen(directory).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'state_corrupt', message: expect.stringContaining(join(directory, 'routes.json')) as string });
    expect(await readFile(join(directory, 'routes.json'), 'utf8')).toBe(text);
  });

  it('ignores the half-written file of a crash', async () => {
    const directory = join(await scratch(cleanup), 'new');
    await mkdir(directory);
    await writeFile(join(directory, 'routes.json.new'), '{"form');
    const router = await reopen(directory);
    expect(await router.inspect(ROUTE)).toBeNull();
  });

  it('starts without a port that is taken, says so, and takes it when it is free', async () => {
    const directory = await scratch(cleanup);
    const rig = await createEmbeddedRig(cleanup, { directory });
    await rig.router.close();
    const squatters = cleanup.add(createCleanup(), (inner) => inner.run());
    const squatter = await startServer(squatters, (_request, response) => response.end('squatter'));
    await writeFile(
      join(directory, 'routes.json'),
      (await readFile(join(directory, 'routes.json'), 'utf8')).replace(String(rig.port), String(squatter.port)),
    );
    const log: string[] = [];
    const router = await reopen(directory, log);
    expect((await router.inspect(ROUTE))?.listening).toBe(false);
    expect(log).toEqual([expect.stringContaining(`Another program already listens on 127.0.0.1:${squatter.port}`)]);
    // The route waits for its address: another one may not have it, also in the moment in which it is free.
    const address = { host: '127.0.0.1', port: squatter.port };
    expect(await router.canListen(ROUTE, address)).toMatchObject({
      verdict: 'fail',
      reason: expect.stringMatching(new RegExp(`^Another program already listens on .*: node \\(pid ${process.pid}\\)$`)) as string,
    });
    expect(await router.canListen('other/prd', address)).toMatchObject({
      verdict: 'fail',
      reason: `127.0.0.1:${squatter.port} belongs to the route of ${ROUTE}`,
    });
    await squatters.run();
    expect(await router.canListen(ROUTE, address)).toMatchObject({ verdict: 'pass' });
    await until('it listens', async () => (await router.inspect(ROUTE))?.listening === true);
    expect((await ask(squatter.port)).status).toBe(503);
  });

  it('refuses at once what is more than may wait', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { holdRequests: 2 } });
    rig.point((await startServer(cleanup, (_request, response) => response.end('served'))).port);
    await rig.router.apply(1, { ...rig.spec, mode: 'hold' });
    const waiting = [ask(rig.port), ask(rig.port)];
    await until('two wait', async () => (await rig.router.inspect(ROUTE))?.held === 2);
    expect((await ask(rig.port)).status).toBe(503);
    await rig.router.apply(1, rig.spec);
    expect((await Promise.all(waiting)).map(({ body }) => body)).toEqual(['served', 'served']);
    expect(await rig.router.stats(ROUTE)).toMatchObject({ unrouted: 1 });
  });

  it('refuses what waited too long, with Retry-After', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { holdMs: 50 } });
    await rig.router.apply(1, { ...rig.spec, mode: 'hold' });
    expect(await ask(rig.port)).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
    expect(await rig.router.stats(ROUTE)).toMatchObject({ unrouted: 1 });
    expect(await rig.router.inspect(ROUTE)).toMatchObject({ held: 0 });
  });

  it('lets the waiting go on in order of arrival, bodies included', async () => {
    const rig = await createEmbeddedRig(cleanup);
    const order: string[] = [];
    const backend = await startServer(cleanup, (request, response) => {
      order.push(request.url ?? '');
      request.pipe(response);
    });
    rig.point(backend.port);
    await rig.router.apply(1, { ...rig.spec, mode: 'hold' });
    const waiting: Promise<{ readonly body: string }>[] = [];
    for (let turn = 0; turn < 5; turn++) {
      waiting.push(ask(rig.port, { method: 'POST', path: `/${turn}`, body: `body ${turn}` }));
      await until(`${turn + 1} wait`, async () => (await rig.router.inspect(ROUTE))?.held === turn + 1);
    }
    await rig.router.apply(1, rig.spec);
    expect((await Promise.all(waiting)).map(({ body }) => body)).toEqual(['body 0', 'body 1', 'body 2', 'body 3', 'body 4']);
    expect(order.toSorted()).toEqual(['/0', '/1', '/2', '/3', '/4']);
  });

  it('forgets a waiting request whose client left', async () => {
    const rig = await createEmbeddedRig(cleanup);
    await rig.router.apply(1, { ...rig.spec, mode: 'hold' });
    let asked = 0;
    rig.point((await startServer(cleanup, (_request, response) => response.end(String(++asked)))).port);
    const client = cleanup.add(connect(rig.port, '127.0.0.1'), (open) => open.destroy());
    client.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\norder');
    await until('it waits', async () => (await rig.router.inspect(ROUTE))?.held === 1);
    client.destroy();
    await until('nobody waits', async () => (await rig.router.inspect(ROUTE))?.held === 0);
    await rig.router.apply(1, rig.spec);
    expect((await ask(rig.port)).body).toBe('1');
  });

  it('refuses who waits when the route is removed', async () => {
    const rig = await createEmbeddedRig(cleanup);
    await rig.router.apply(1, { ...rig.spec, mode: 'hold' });
    const waiting = ask(rig.port);
    await until('it waits', async () => (await rig.router.inspect(ROUTE))?.held === 1);
    await rig.router.remove(1, ROUTE);
    expect((await waiting).status).toBe(503);
  });

  it('closes when the last request is answered, telling its client to connect anew; an open tunnel does not delay it', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { drainMs: 60_000 } });
    let finish = (): void => undefined;
    const backend = await startServer(cleanup, (_request, response) => {
      finish = () => response.end('slow');
    });
    backend.server.on('upgrade', (_request, socket) => {
      cleanup.add(socket, (open) => open.destroy());
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n');
    });
    rig.point(backend.port);
    const agent = cleanup.add(new Agent({ keepAlive: true }), (pool) => pool.destroy());
    const slow = ask(rig.port, { agent });
    const tunnel = raw(cleanup, rig.port, 'GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n');
    await until('both are open', async () => (await rig.router.inspect(ROUTE))?.inFlight === 2);
    await until('the tunnel is', async () => (await rig.router.stats(ROUTE))?.versions[0]?.requests === 1);
    const closed = rig.router.close();
    await expect(ask(rig.port)).rejects.toThrow('ECONNREFUSED');
    finish();
    expect(await slow).toMatchObject({ status: 200, body: 'slow', headers: { connection: 'close' } });
    expect(await tunnel).toMatch(/^HTTP\/1.1 101 /);
    await closed;
  });

  it('changes other routes while a removed one lets its requests finish', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { drainMs: 60_000 } });
    let finish = (): void => undefined;
    const backend = await startServer(cleanup, (_request, response) => {
      finish = () => response.end('slow');
    });
    rig.point(backend.port);
    const slow = ask(rig.port);
    await until('it is in flight', async () => (await rig.router.inspect(ROUTE))?.inFlight === 1);
    const removed = rig.router.remove(1, ROUTE);
    await rig.router.apply(1, { ...rig.spec, id: 'other/prd', listen: { host: '127.0.0.1', port: await freePort() } });
    finish();
    expect((await slow).body).toBe('slow');
    await removed;
  });

  it('ends a request that outlives the drain time of its endpoint', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { drainMs: 50 } });
    const silent = await startSocketServer(cleanup, () => undefined);
    rig.point(silent.port);
    const stuck = ask(rig.port);
    await until('it is there', () => silent.accepted() === 1);
    rig.point();
    expect((await stuck).status).toBe(502);
    expect((await rig.router.inspect(ROUTE))?.inFlight).toBe(0);
  });

  it('begins a new count after a restart and says so', async () => {
    const directory = await scratch(cleanup);
    const rig = await createEmbeddedRig(cleanup, { directory });
    const before = await rig.router.stats(ROUTE);
    await until('the clock moves', () => Date.now() > (before?.since ?? 0));
    await rig.router.close();
    expect((await (await reopen(directory)).stats(ROUTE))?.since).toBeGreaterThan(before?.since ?? Number.POSITIVE_INFINITY);
  });
});
