import { once } from 'node:events';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROUTE, createEmbeddedRig } from '../../../../test/traffic/embedded-rig.ts';
import { freePort } from '../../../../test/support/free-port.ts';
import { type Cleanup, createCleanup, raw, startServer, until } from '../../../../test/traffic/support.ts';

const HELLO =
  'GET /chat HTTP/1.1\r\nhost: shop.example\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

describe('embedded router: upgrades', () => {
  let cleanup: Cleanup;
  beforeEach(() => {
    cleanup = createCleanup();
  });
  afterEach(() => cleanup.run());

  /** A backend that agrees to any upgrade and echoes bytes. */
  const echo = async () => {
    const backend = await startServer(cleanup, (_request, response) => response.end());
    backend.server.on('upgrade', (request, socket: Socket, head: Buffer) => {
      cleanup.add(socket, (open) => open.destroy());
      socket.on('error', () => socket.destroy());
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nx-key: ${request.headers['sec-websocket-key']}\r\nx-for: ${String(request.headers['x-forwarded-for'])}\r\n\r\n`,
      );
      socket.write(head);
      socket.pipe(socket);
    });
    return backend;
  };

  const open = (port: number): { readonly socket: Socket; readonly text: () => string } => {
    const socket = cleanup.add(connect(port, '127.0.0.1'), (opened) => opened.destroy());
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString())).on('error', () => socket.destroy());
    return { socket, text: () => text };
  };

  it('passes bytes both ways, those sent with the request too, and counts the tunnel as in flight', async () => {
    const rig = await createEmbeddedRig(cleanup);
    rig.point((await echo()).port);
    const { socket, text } = open(rig.port);
    socket.write(`${HELLO}early`);
    await until('the early bytes come back', () => text().endsWith('early'));
    expect(text()).toMatch(/^HTTP\/1.1 101 /);
    expect(text()).toContain('x-key: dGhlIHNhbXBsZSBub25jZQ==');
    expect(text()).toContain('x-for: 127.0.0.1');
    socket.write('later');
    await until('more comes back', () => text().endsWith('earlylater'));
    expect((await rig.router.inspect(ROUTE))?.inFlight).toBe(1);
    socket.destroy();
    await until('nothing is in flight', async () => (await rig.router.inspect(ROUTE))?.inFlight === 0);
    expect((await rig.router.stats(ROUTE))?.versions[0]).toMatchObject({ requests: 1, errors: 0, clientErrors: 0 });
  });

  it('passes a refusal on and closes, so nothing can be said past it', async () => {
    const rig = await createEmbeddedRig(cleanup);
    let requests = 0;
    const backend = await startServer(cleanup, (_request, response) => {
      requests++;
      response.writeHead(426).end('no');
    });
    rig.point(backend.port);
    const answer = await raw(cleanup, rig.port, `${HELLO}GET /admin HTTP/1.1\r\nhost: a\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 426 /);
    expect(requests).toBe(1);
  });

  it('answers 502 when no instance takes the connection, 503 when there is none', async () => {
    const rig = await createEmbeddedRig(cleanup);
    expect(await raw(cleanup, rig.port, HELLO)).toMatch(/^HTTP\/1.1 503 /);
    rig.point(await freePort());
    expect(await raw(cleanup, rig.port, HELLO)).toMatch(/^HTTP\/1.1 502 /);
    expect((await rig.router.inspect(ROUTE))?.inFlight).toBe(0);
  });

  it('asks another instance when one takes no connection', async () => {
    const rig = await createEmbeddedRig(cleanup);
    rig.point(await freePort(), (await echo()).port);
    for (let call = 0; call < 4; call++) {
      const { socket, text } = open(rig.port);
      socket.write(HELLO);
      await until('the tunnel is open', () => text().startsWith('HTTP/1.1 101 '));
      socket.destroy();
    }
    await until('nothing is in flight', async () => (await rig.router.inspect(ROUTE))?.inFlight === 0);
    const [stats] = (await rig.router.stats(ROUTE))?.versions ?? [];
    expect(stats).toMatchObject({ requests: 4, errors: 0 });
    expect(stats?.retries).toBeGreaterThan(0);
    expect((await rig.router.inspect(ROUTE))?.endpoints.map(({ inFlight }) => inFlight)).toEqual([0, 0]);
  });

  it('ends tunnels that outlive the drain time when the router closes', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { drainMs: 50 } });
    const backend = await echo();
    rig.point(backend.port);
    const { socket, text } = open(rig.port);
    socket.write(HELLO);
    await until('the tunnel is open', () => text().includes('101'));
    const ended = once(socket, 'close');
    await rig.router.close();
    await ended;
    expect((backend.server.address() as AddressInfo).port).toBe(backend.port);
  });
});
