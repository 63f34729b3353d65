import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect, test } from 'vitest';
import { probeHttp } from './probe.ts';

async function probeOf(server: Server, timeoutMs = 10_000): Promise<{ passed: boolean; reason: string }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await probeHttp((server.address() as AddressInfo).port, '/h', timeoutMs);
  } finally {
    server.close();
  }
}

const answering = (status: number): Server => createHttpServer((_request, response) => void response.writeHead(status).end());

test.each([
  [200, true],
  [204, true],
  [199 + 100, true],
  [302, false],
  [404, false],
  [503, false],
])('%i passes: %s', async (status, passed) => {
  expect(await probeOf(answering(status))).toEqual({ passed, reason: `/h answered ${status}` });
});

test('accepting and hanging up is no health, and the answer comes', async () => {
  expect(await probeOf(createServer((socket) => socket.end()))).toMatchObject({
    passed: false,
    reason: expect.stringContaining('closed') as string,
  });
});

test('an endpoint that hangs fails after its time', async () => {
  expect(await probeOf(createServer(), 100)).toEqual({ passed: false, reason: '/h gave no answer within 100 ms' });
  // Headers that drip for ever are no answer either.
  const dripping = createServer((socket) => {
    const timer = setInterval(() => socket.write('HTTP/1.1 200 OK\r\n'.slice(0, 4)), 20);
    socket.once('close', () => clearInterval(timer)).on('error', () => undefined);
  });
  expect(await probeOf(dripping, 200)).toMatchObject({ passed: false });
});

test('nothing on the port, and garbage instead of HTTP, fail with a reason', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  expect(await probeHttp(port, '/h', 1_000)).toEqual({ passed: false, reason: '/h: nothing listens on the port' });
  expect(await probeOf(createServer((socket) => socket.end('hello\r\n\r\n')))).toMatchObject({ passed: false });
});
