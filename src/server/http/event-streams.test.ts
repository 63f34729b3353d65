import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, expect, test } from 'vitest';
import { createEventStreams, type OwnEventStreams } from './event-streams.ts';
import type { EventStream, ServeEnv } from './mount.ts';

const PLACES = { most: 10, random: () => 0, log: () => undefined };
const TOKEN = { scopes: ['server-evaluate'] } as const;

interface Bed {
  readonly streams: OwnEventStreams;
  /** Opens a stream from a client's side; answers both ends. */
  connect(): Promise<{ readonly client: IncomingMessage; readonly stream: EventStream; readonly closed: Promise<void> }>;
}

const ends: (() => void)[] = [];
afterEach(() => ends.splice(0).forEach((end) => end()));

/** Answers how a client asks for a stream. */
async function serve(app: Hono<ServeEnv>, streams: OwnEventStreams): Promise<() => ClientRequest> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    streams.close();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return () => request({ host: '127.0.0.1', port, path: '/stream' }).end();
}

async function bed(heartbeatMs: number): Promise<Bed> {
  const streams = createEventStreams({ ...PLACES, heartbeatMs });
  const app = new Hono<ServeEnv>();
  let opened: (one: { readonly stream: EventStream; readonly closed: Promise<void> }) => void = () => undefined;
  app.get('/stream', (context) => {
    context.set('pageHeaders', { 'access-control-allow-origin': 'https://shop.example' });
    let close = (): void => undefined;
    const closed = new Promise<void>((resolve) => (close = resolve));
    const { stream, response } = streams.open(context, TOKEN, () => close());
    opened({ stream, closed });
    return response;
  });
  const ask = await serve(app, streams);
  return {
    streams,
    connect: async () => {
      const there = new Promise<{ readonly stream: EventStream; readonly closed: Promise<void> }>((resolve) => (opened = resolve));
      const [client] = (await once(ask(), 'response')) as [IncomingMessage];
      return { client, ...(await there) };
    },
  };
}

/** What comes until `enough` is in it. */
async function read(client: IncomingMessage, enough: string): Promise<string> {
  let got = '';
  for await (const chunk of client.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    got += chunk as string;
    if (got.includes(enough)) return got;
  }
  return got;
}

test('a client gets whole frames at once, with the headers of a stream and those of other parts', async () => {
  const { connect, streams } = await bed(60_000);
  const { client, stream } = await connect();
  expect(client.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    'access-control-allow-origin': 'https://shop.example',
  });
  stream.send(Buffer.from('id: 1\ndata: {}\n\n'));
  expect(await read(client, '\n\n')).toBe('id: 1\ndata: {}\n\n');
  expect(streams.places.taken('server')).toBe(1);
});

test('one frame goes to every stream, between others in their order, as text or bytes', async () => {
  const { connect } = await bed(60_000);
  const all = [await connect(), await connect(), await connect()];
  const frame = Buffer.from('data: \u00e9\n\n');
  for (const { stream } of all) {
    stream.send('data: first\n\n');
    stream.send(frame);
    stream.send('data: then\n\n');
    stream.send(frame);
  }
  for (const { client } of all)
    expect(await read(client, 'then\n\ndata: \u00e9\n\n')).toBe('data: first\n\ndata: \u00e9\n\ndata: then\n\ndata: \u00e9\n\n');
});

test('a silent stream has a heartbeat', async () => {
  const { connect } = await bed(5);
  const { client } = await connect();
  expect(await read(client, ':\n\n:\n\n')).toMatch(/^(:\n\n)+$/);
});

test('a client that went away is told of and forgotten', async () => {
  const { connect, streams } = await bed(60_000);
  const { client, closed, stream } = await connect();
  client.destroy();
  await closed;
  expect(streams.places.taken('server')).toBe(0);
  stream.send('data: nobody hears this\n\n');
});

test('a client that does not read is cut off, and takes no more memory', async () => {
  const { connect, streams } = await bed(60_000);
  const { client, closed, stream } = await connect();
  client.pause();
  const frame = Buffer.from(`data: ${'x'.repeat(256 * 1024)}\n\n`);
  // The system's own buffers take some megabytes before anything waits here.
  for (let sent = 0; sent < 200; sent++) stream.send(frame);
  await closed;
  expect(streams.places.taken('server')).toBe(0);
});

test('closing ends every stream, and those that come later', async () => {
  const { connect, streams } = await bed(60_000);
  const { client, closed } = await connect();
  streams.close();
  await closed;
  expect(await read(client, 'nothing more comes')).toBe('');
  const late = await connect();
  await late.closed;
});

test('a client that left before its stream was opened is forgotten, and whoever opened it hears of that afterwards', async () => {
  const streams = createEventStreams(PLACES);
  const app = new Hono<ServeEnv>();
  const said: string[] = [];
  let heard = (): void => undefined;
  const closed = new Promise<void>((resolve) => (heard = resolve));
  app.get('/stream', async (context) => {
    said.push('asked');
    // As long as a token is looked up, say.
    await once(context.env.outgoing, 'close');
    const { response } = streams.open(context, TOKEN, () => {
      said.push('closed');
      heard();
    });
    said.push('opened');
    return response;
  });
  const asked = (await serve(app, streams))().on('error', () => undefined);
  await expect.poll(() => said).toEqual(['asked']);
  asked.destroy();
  await closed;
  expect([said, streams.places.taken('server')]).toEqual([['asked', 'opened', 'closed'], 0]);
});
