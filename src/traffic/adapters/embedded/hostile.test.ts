import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROUTE, createEmbeddedRig } from '../../../../test/traffic/embedded-rig.ts';
import { freePort } from '../../../../test/support/free-port.ts';
import { type Cleanup, ask, createCleanup, raw, startServer, startSocketServer, until } from '../../../../test/traffic/support.ts';

describe('embedded router among broken peers', () => {
  let cleanup: Cleanup;
  beforeEach(() => {
    cleanup = createCleanup();
  });
  afterEach(() => cleanup.run());

  const good = () => startServer(cleanup, (request, response) => void request.resume().once('end', () => response.end('good')));

  it.each([
    ['a malformed request line', 'GARBAGE\r\n\r\n', '400'],
    ['binary noise', Buffer.from([0, 255, 22, 3, 1, 2, 0, 1, 13, 10, 13, 10]), '400'],
    ['headers above the limit', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`, '431'],
    [
      'both lengths (request smuggling)',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      '400',
    ],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', '400'],
    ['two hosts', 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n', '400'],
    ['a target that is no path', 'OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', '400'],
    ['headers that never end (slowloris)', 'GET / HTTP/1.1\r\nhost: a\r\nx-slow: ', '408'],
    ['a body that never comes', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc', '408'],
  ])('answers %s and stays up', async (_what, bytes, status) => {
    // Only where it is about time: whoever is asked on a busy machine has no time to lose.
    const limits = status === '408' ? { clientHeadersMs: 150, clientRequestMs: 300, clientCheckMs: 50 } : {};
    const rig = await createEmbeddedRig(cleanup, { limits });
    rig.point((await good()).port);
    expect(await raw(cleanup, rig.port, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    // With so little time a good client may lose it as well, where this process stands still.
    await until('a good client is answered', async () => (await ask(rig.port)).body === 'good');
    expect((await rig.router.inspect(ROUTE))?.inFlight).toBe(0);
  });

  it('serves HTTP/1.0 without chunks, closing after the answer', async () => {
    const rig = await createEmbeddedRig(cleanup);
    rig.point((await good()).port);
    const answer = await raw(cleanup, rig.port, 'GET / HTTP/1.0\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer).not.toMatch(/transfer-encoding/i);
    expect(answer.endsWith('\r\n\r\ngood')).toBe(true);
  });

  it.each([
    ['accepts and closes', (socket: Socket) => void socket.end()],
    ['resets', (socket: Socket) => void socket.on('data', () => socket.resetAndDestroy())],
    ['sends garbage', (socket: Socket) => void socket.on('data', () => socket.end('\0\0 not http \r\n\r\n'))],
    [
      'answers with an impossible status',
      (socket: Socket) => void socket.on('data', () => socket.end('HTTP/1.1 99 No\r\ncontent-length: 0\r\n\r\n')),
    ],
  ])('answers 502 when the only instance %s, and 200 from another one', async (_what, misbehave) => {
    const rig = await createEmbeddedRig(cleanup);
    const bad = await startSocketServer(cleanup, misbehave);
    rig.point(bad.port);
    expect((await ask(rig.port)).status).toBe(502);
    rig.point(bad.port, (await good()).port);
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask(rig.port)));
    expect(new Set(replies.map(({ body }) => body))).toEqual(new Set(['good']));
    expect((await rig.router.stats(ROUTE))?.versions[0]).toMatchObject({ requests: 21, errors: 1 });
  });

  it('answers 504 when an instance hangs, and does not send the request twice', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { responseHeadersMs: 200 } });
    const silent = await startSocketServer(cleanup, () => undefined);
    rig.point(silent.port, silent.port);
    expect((await ask(rig.port)).status).toBe(504);
    expect(silent.accepted()).toBe(1);
    expect((await rig.router.stats(ROUTE))?.versions[0]).toMatchObject({ requests: 1, errors: 1, retries: 0 });
  });

  it('breaks the connection to the client when an answer breaks off, rather than end it as if complete', async () => {
    const rig = await createEmbeddedRig(cleanup);
    const cut = await startSocketServer(
      cleanup,
      (socket) => void socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')),
    );
    rig.point(cut.port);
    await expect(ask(rig.port)).rejects.toThrow(/aborted|hang up/);
    expect((await rig.router.stats(ROUTE))?.versions[0]).toMatchObject({ requests: 1, errors: 1 });
  });

  it("tells the instance when the client leaves, and counts it as the client's doing", async () => {
    const rig = await createEmbeddedRig(cleanup);
    let [arrived, left] = [false, false];
    const slow = await startServer(cleanup, (_request, response) => {
      arrived = true;
      response.once('close', () => {
        left = true;
      });
    });
    rig.point(slow.port);
    const socket = cleanup.add(connect(rig.port, '127.0.0.1'), (open) => open.destroy());
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await until('the request arrived', () => arrived);
    socket.destroy();
    await until('the instance noticed', () => left);
    await until('it is counted', async () => (await rig.router.stats(ROUTE))?.versions[0]?.clientErrors === 1);
    expect(await rig.router.inspect(ROUTE)).toMatchObject({ inFlight: 0, endpoints: [{ healthy: true, inFlight: 0 }] });
  });

  it('gives up a client that stops reading its answer, so that its instance is free', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { clientStallMs: 200 } });
    let left = false;
    const flood = await startServer(cleanup, (_request, response) => {
      const push = (): void => {
        while (response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', push).once('close', () => {
        left = true;
      });
      push();
    });
    rig.point(flood.port);
    const client = cleanup.add(connect(rig.port, '127.0.0.1'), (open) => open.destroy());
    client
      .on('error', () => undefined)
      .pause()
      .write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await until('the instance is free', () => left);
    await until('it is counted', async () => (await rig.router.inspect(ROUTE))?.inFlight === 0);
    expect((await rig.router.stats(ROUTE))?.versions[0]).toMatchObject({ errors: 0, clientErrors: 1 });
  });

  it('takes a dead instance out after three failures and back in through a probe', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { ejectMs: 30, ejectMaxMs: 60 } });
    const dead = await freePort();
    rig.point(dead, (await good()).port);
    const healthy = async (): Promise<readonly boolean[]> =>
      ((await rig.router.inspect(ROUTE))?.endpoints ?? []).map((endpoint) => endpoint.healthy);
    await until('it is out', async () => (await ask(rig.port)).body === 'good' && !(await healthy())[0]);
    const revived = await startServer(cleanup, (_request, response) => response.end('revived'));
    revived.server.close();
    await once(revived.server, 'close');
    revived.server.listen(dead, '127.0.0.1');
    await until('it serves again', async () => (await ask(rig.port)).body === 'revived');
    expect(await healthy()).toEqual([true, true]);
  });

  it('brings an instance back when all traffic is writes', async () => {
    const rig = await createEmbeddedRig(cleanup, { limits: { ejectMs: 10, ejectMaxMs: 20 } });
    const dead = await freePort();
    rig.point(dead, (await good()).port);
    const post = async (): Promise<string> => (await ask(rig.port, { method: 'POST', body: 'order' })).body;
    await until('it is out', async () => {
      await post();
      return (await rig.router.inspect(ROUTE))?.endpoints[0]?.healthy === false;
    });
    const revived = await startServer(cleanup, (_request, response) => response.end('revived'));
    revived.server.close();
    await once(revived.server, 'close');
    revived.server.listen(dead, '127.0.0.1');
    await until('it serves again', async () => (await post()) === 'revived');
    expect((await rig.router.inspect(ROUTE))?.endpoints[0]?.healthy).toBe(true);
  });

  it('does not hold against an instance that it closes under an upload it refuses', async () => {
    const rig = await createEmbeddedRig(cleanup);
    const refusing = await startSocketServer(cleanup, (socket) => void socket.once('data', () => socket.resetAndDestroy()));
    rig.point(refusing.port);
    for (let call = 0; call < 5; call++) {
      const answer = raw(cleanup, rig.port, `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5000000\r\n\r\n${'x'.repeat(100_000)}`);
      expect(await answer).toMatch(/^HTTP\/1.1 502 /);
    }
    expect(await rig.router.inspect(ROUTE)).toMatchObject({ inFlight: 0, endpoints: [{ healthy: true, inFlight: 0 }] });
  });

  it.each(['hold', 'closed'] as const)('survives a client that resets its upgrade while the route is in mode %s', async (mode) => {
    const rig = await createEmbeddedRig(cleanup);
    await rig.router.apply(1, { ...rig.spec, mode });
    const socket = cleanup.add(connect(rig.port, '127.0.0.1'), (open) => open.destroy());
    const ended = once(socket, 'close');
    socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n');
    if (mode === 'hold') await until('it waits', async () => (await rig.router.inspect(ROUTE))?.held === 1);
    socket.resetAndDestroy();
    await ended;
    await until('nobody waits', async () => (await rig.router.inspect(ROUTE))?.held === 0);
    await rig.router.apply(1, rig.spec);
    rig.point((await good()).port);
    expect((await ask(rig.port)).body).toBe('good');
  });

  it('prefers an answer from the other version to an error, and blames the one that failed', async () => {
    const rig = await createEmbeddedRig(cleanup);
    await rig.router.apply(1, { ...rig.spec, backends: rig.spec.backends.map((backend) => ({ ...backend, weight: 50 })) });
    rig.point(await freePort());
    await rig.router.setEndpoints('shop/prd/green', [{ host: '127.0.0.1', port: (await good()).port }]);
    const replies = await Promise.all(Array.from({ length: 40 }, () => ask(rig.port)));
    expect(new Set(replies.map(({ body }) => body))).toEqual(new Set(['good']));
    const versions = (await rig.router.stats(ROUTE))?.versions;
    expect(versions?.find(({ version }) => version === '1.0.0')).toMatchObject({ requests: 0 });
    expect(versions?.find(({ version }) => version === '1.0.0')?.retries).toBeGreaterThan(0);
    expect(versions?.find(({ version }) => version === '1.1.0')).toMatchObject({ requests: 40, errors: 0, retries: 0 });
  });

  it('never sends a version at weight 0 a request, not even when the other is down', async () => {
    const rig = await createEmbeddedRig(cleanup);
    rig.point(await freePort());
    await rig.router.setEndpoints('shop/prd/green', [{ host: '127.0.0.1', port: (await good()).port }]);
    expect((await ask(rig.port)).status).toBe(502);
  });
});
