import { createHash, randomBytes } from 'node:crypto';
import { Agent, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BLUE, ROUTE, createEmbeddedRig } from '../../../../test/traffic/embedded-rig.ts';
import { freePort } from '../../../../test/support/free-port.ts';
import { type Cleanup, ask, createCleanup, raw, startServer, startSocketServer, until } from '../../../../test/traffic/support.ts';

describe('embedded router: what is passed on', () => {
  let cleanup: Cleanup;
  beforeEach(() => {
    cleanup = createCleanup();
  });
  afterEach(() => cleanup.run());

  /** A backend that tells what it got. */
  const mirror = (seen: IncomingMessage[] = []) =>
    startServer(cleanup, (request, response) => {
      seen.push(request);
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.once('end', () => {
        response.setHeader('set-cookie', ['a=1', 'b=2']);
        response.setHeader('keep-alive', 'timeout=9');
        response.end(JSON.stringify({ url: request.url, method: request.method, headers: request.headers, sha256: hash.digest('hex') }));
      });
    });

  it('adds where the request came from, and drops what belongs to one connection', async () => {
    const rig = await createEmbeddedRig(cleanup);
    rig.point((await mirror()).port);
    const reply = await ask(rig.port, {
      path: '/a?b=%20c',
      headers: {
        host: 'shop.example',
        'x-forwarded-for': '10.0.0.9',
        connection: 'x-secret',
        'x-secret': 'hop',
        te: 'trailers',
        'x-kept': 'yes',
        expect: '100-continue',
      },
    });
    const got = JSON.parse(reply.body) as { url: string; headers: Record<string, string> };
    expect(got.url).toBe('/a?b=%20c');
    expect(got.headers).toMatchObject({
      host: 'shop.example',
      'x-forwarded-for': '10.0.0.9, 127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'shop.example',
      'x-kept': 'yes',
    });
    expect(got.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    for (const dropped of ['x-secret', 'te', 'expect']) expect(got.headers).not.toHaveProperty(dropped);
    expect(reply.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(reply.headers['keep-alive']).not.toBe('timeout=9');
    expect(reply.headers).not.toHaveProperty('x-slipway-version');
  });

  it('keeps the request id and scheme of a proxy in front, and names the version when asked', async () => {
    const rig = await createEmbeddedRig(cleanup, { exposeVersion: true });
    rig.point((await mirror()).port);
    const reply = await ask(rig.port, { headers: { 'x-request-id': 'abc', 'x-forwarded-proto': 'https' } });
    expect((JSON.parse(reply.body) as { headers: object }).headers).toMatchObject({ 'x-request-id': 'abc', 'x-forwarded-proto': 'https' });
    expect(reply.headers['x-slipway-version']).toBe('1.0.0');
  });

  it('forwards a target in absolute form by its path', async () => {
    const rig = await createEmbeddedRig(cleanup);
    rig.point((await mirror()).port);
    expect(await raw(cleanup, rig.port, 'GET http://shop.example/x?y=1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')).toContain(
      '"url":"/x?y=1"',
    );
  });

  it.each([10, 65_536, 65_537, 5_000_000])('passes a body of %i bytes unchanged, with and without a length', async (size) => {
    const rig = await createEmbeddedRig(cleanup);
    rig.point((await mirror()).port);
    const body = randomBytes(size);
    const sha256 = createHash('sha256').update(body).digest('hex');
    for (const headers of [{ 'content-length': String(size) }, { 'transfer-encoding': 'chunked' }] as Record<string, string>[]) {
      const reply = await ask(rig.port, { method: 'POST', headers, body });
      expect(JSON.parse(reply.body)).toMatchObject({ method: 'POST', sha256 });
    }
  });

  it('holds a backend back while the client does not read', async () => {
    const rig = await createEmbeddedRig(cleanup);
    let written = 0;
    const flood = await startServer(cleanup, (_request, response) => {
      const push = (): void => {
        do written += 65_536;
        while (written < 200_000_000 && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', push);
      push();
    });
    rig.point(flood.port);
    const client = cleanup.add(connect(rig.port, '127.0.0.1'), (open) => open.destroy());
    client.pause().write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    let [before, still] = [-1, 0];
    await until('the flow stops', () => {
      still = written > 0 && written === before ? still + 1 : 0;
      before = written;
      return still > 40;
    });
    expect(written).toBeLessThan(100_000_000);
  });

  it('keeps client connections alive, also after its own answers', async () => {
    const rig = await createEmbeddedRig(cleanup);
    const agent = cleanup.add(new Agent({ keepAlive: true, maxSockets: 1 }), (pool) => pool.destroy());
    expect((await ask(rig.port, { agent })).status).toBe(503);
    rig.point((await mirror()).port);
    for (let call = 0; call < 3; call++) expect((await ask(rig.port, { agent })).headers.connection).toBe('keep-alive');
  });

  it.each(['PUT', 'DELETE'])('sends a %s again, body and all, when the first instance breaks the connection', async (method) => {
    const rig = await createEmbeddedRig(cleanup);
    const bad = await startSocketServer(cleanup, (socket) => void socket.on('data', () => socket.resetAndDestroy()));
    rig.point(bad.port, (await mirror()).port);
    const sha256 = createHash('sha256').update('payload').digest('hex');
    for (let call = 0; call < 4; call++)
      expect(JSON.parse((await ask(rig.port, { method, body: 'payload', headers: { 'content-length': '7' } })).body)).toMatchObject({
        sha256,
      });
    expect(bad.accepted()).toBeGreaterThan(0);
  });

  it('does not send a POST again that an instance may have seen', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { ejectAfter: 1_000 } });
    const seen: IncomingMessage[] = [];
    const bad = await startSocketServer(cleanup, (socket) => void socket.on('data', () => socket.resetAndDestroy()));
    rig.point(bad.port, (await mirror(seen)).port);
    const replies = [];
    for (let call = 0; call < 10; call++) replies.push((await ask(rig.port, { method: 'POST', body: 'order' })).status);
    expect(replies.filter((status) => status === 502)).toHaveLength(bad.accepted());
    expect(bad.accepted()).toBeGreaterThan(0);
    expect(seen).toHaveLength(10 - bad.accepted());
  });

  it('sends a POST to another instance when the first took no connection, streamed bodies too', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { ejectAfter: 1_000 } });
    rig.point(await freePort(), (await mirror()).port);
    const body = randomBytes(100_000);
    const sha256 = createHash('sha256').update(body).digest('hex');
    for (let call = 0; call < 6; call++) expect(JSON.parse((await ask(rig.port, { method: 'POST', body })).body)).toMatchObject({ sha256 });
    expect((await rig.router.stats(ROUTE))?.versions[0]?.retries).toBeGreaterThan(0);
  });

  it('spreads over the instances, preferring the one with least in flight', async () => {
    const rig = await createEmbeddedRig(cleanup);
    const stuck: (() => void)[] = [];
    const slow = await startServer(cleanup, (_request, response) => void stuck.push(() => response.end('slow')));
    rig.point(slow.port, (await mirror()).port);
    const waiting = Promise.all([ask(rig.port), ask(rig.port)]);
    await until('one request is stuck', () => stuck.length === 1);
    for (let call = 0; call < 10; call++) expect((await ask(rig.port)).body).toContain('/');
    for (const finish of stuck) finish();
    await waiting;
    expect(stuck).toHaveLength(1);
  });

  it('sends requests only to the process the backend names', async () => {
    const rig = await createEmbeddedRig(cleanup);
    const web = await mirror();
    await rig.router.setEndpoints(BLUE, [
      { host: '127.0.0.1', port: await freePort(), process: 'metrics' },
      { host: '127.0.0.1', port: web.port, process: 'web' },
    ]);
    expect((await rig.router.inspect(ROUTE))?.endpoints).toMatchObject([{ port: web.port }]);
  });
});
