import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type ServerType, createAdaptorServer } from '@hono/node-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROUTE, createEmbeddedRig } from '../../../test/traffic/embedded-rig.ts';
import { type Cleanup, ask, createCleanup, scratch, startServer, until } from '../../../test/traffic/support.ts';
import { systemClock } from '../../kernel/index.ts';
import { type RouterRig, routerContract } from '../contract.ts';
import { createRouterRoutes } from '../http.ts';
import type { Endpoint, Router } from '../ports.ts';
import { createAgentRouter } from './agent.ts';
import { createEmbeddedRouter } from './embedded.ts';

/** Serves a router on a unix socket, as the agent does. */
async function mount(router: Router, socketPath: string): Promise<ServerType> {
  const server = createAdaptorServer({ fetch: createRouterRoutes(router, () => undefined).fetch });
  server.listen(socketPath);
  await once(server, 'listening');
  return server;
}

routerContract('agent over a unix socket', async (cleanup): Promise<RouterRig> => {
  const directory = await scratch(cleanup);
  const socketPath = join(directory, 'agent.sock');
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
  let server = await mount(router, socketPath);
  const client = cleanup.add(createAgentRouter({ socketPath }), (open) => open.close());
  const stop = async (): Promise<void> => {
    await new Promise((resolve) => server.close(resolve));
    await router.close();
  };
  cleanup.add(null, stop);
  return {
    router: () => client,
    setEndpoints: async (group, list) => {
      endpoints.set(group, list);
      await router.setEndpoints(group, list);
    },
    restart: async () => {
      await stop();
      router = await start();
      server = await mount(router, socketPath);
    },
  };
});

describe('agent router', () => {
  let cleanup: Cleanup;
  beforeEach(() => {
    cleanup = createCleanup();
  });
  afterEach(() => cleanup.run());

  it('answers while a route it was told to remove still drains', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { drainMs: 60_000 } });
    let finish = (): void => undefined;
    const slow = await startServer(cleanup, (_request, response) => {
      finish = () => response.end('slow');
    });
    rig.point(slow.port);
    const socketPath = join(await scratch(cleanup), 'agent.sock');
    cleanup.add(await mount(rig.router, socketPath), (server) => server.close());
    const client = cleanup.add(createAgentRouter({ socketPath }), (open) => open.close());
    const waiting = ask(rig.port);
    await until('it is in flight', async () => (await client.inspect(ROUTE))?.inFlight === 1);
    const removed = client.remove(1, ROUTE);
    await until('the route is gone', async () => (await client.inspect(ROUTE)) === null);
    finish();
    expect((await waiting).body).toBe('slow');
    await removed;
  });

  it('says that no agent answers: no socket, a dead socket, one that says nothing sensible', async () => {
    const directory = await scratch(cleanup);
    const none = createAgentRouter({ socketPath: join(directory, 'none.sock') });
    await expect(none.inspect(ROUTE)).rejects.toMatchObject({ code: 'agent_unreachable' });
    const fin = cleanup.add(createServer((socket) => socket.end()).listen(join(directory, 'fin.sock')), (server) => server.close());
    await once(fin, 'listening');
    await expect(createAgentRouter({ socketPath: join(directory, 'fin.sock') }).inspect(ROUTE)).rejects.toMatchObject({
      code: 'agent_unreachable',
    });
    const mute = cleanup.add(
      createServer((socket) => void cleanup.add(socket, (open) => open.destroy())).listen(join(directory, 'mute.sock')),
      (server) => server.close(),
    );
    await once(mute, 'listening');
    await expect(createAgentRouter({ socketPath: join(directory, 'mute.sock'), timeoutMs: 100 }).inspect(ROUTE)).rejects.toMatchObject({
      code: 'agent_unreachable',
    });
  });

  it.each([
    ['no fence', {}, '{}', 'usage'],
    ['a fence that is no number', { 'slipway-fence': '-1' }, null, 'usage'],
    ['a body that is no JSON', { 'slipway-fence': '1' }, '{"id', 'usage'],
    [
      'a route with unknown keys',
      { 'slipway-fence': '1' },
      JSON.stringify({ id: ROUTE, listen: { host: 'a', port: 1 }, mode: 'open', backends: [], extra: 1 }),
      'config_invalid',
    ],
    [
      'the route of another address',
      { 'slipway-fence': '1' },
      JSON.stringify({ id: 'other/prd', listen: { host: 'a', port: 1 }, mode: 'open', backends: [] }),
      'usage',
    ],
  ])('refuses %s with 400 and a reason', async (_what, headers, body, code) => {
    const rig = await createEmbeddedRig(cleanup);
    const text = body ?? JSON.stringify(rig.spec);
    const response = await createRouterRoutes(rig.router, () => undefined).request(`/v1/routes/${encodeURIComponent(ROUTE)}`, {
      method: 'PUT',
      headers: headers as Record<string, string>,
      body: text,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code, message: expect.stringMatching(/route|fence/i) as string, hint: expect.any(String) as string },
    });
    expect((await rig.router.inspect(ROUTE))?.spec).toEqual(rig.spec);
  });

  it('does not take an agent that is too old for a question for a yes', async () => {
    const socketPath = join(await scratch(cleanup), 'agent.sock');
    const old = createAdaptorServer({ fetch: () => new Response('404 Not Found', { status: 404 }) });
    cleanup.add(old.listen(socketPath), (server) => server.close());
    await once(old, 'listening');
    const client = cleanup.add(createAgentRouter({ socketPath }), (open) => open.close());
    expect(await client.canListen(ROUTE, { host: '127.0.0.1', port: 1 })).toMatchObject({
      verdict: 'unknown',
      fix: expect.stringContaining('slipway agent stop') as string,
    });
  });

  it('carries a refusal over with code, message and hint', async () => {
    const rig = await createEmbeddedRig(cleanup);
    const socketPath = join(await scratch(cleanup), 'agent.sock');
    cleanup.add(await mount(rig.router, socketPath), (server) => server.close());
    const busy = cleanup.add(createServer().listen(0, '127.0.0.1'), (server) => server.close());
    await once(busy, 'listening');
    const spec = { ...rig.spec, listen: { host: '127.0.0.1', port: (busy.address() as AddressInfo).port } };
    const [here, there] = await Promise.all(
      [rig.router, createAgentRouter({ socketPath })].map((router) => router.apply(1, spec).catch((error: unknown) => error)),
    );
    expect(there).toMatchObject({ code: 'port_in_use', message: (here as Error).message, hint: (here as { hint: string }).hint });
  });
});
