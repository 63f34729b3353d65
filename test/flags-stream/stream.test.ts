import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type FlagsClient, type NodeClientOptions } from '../../packages/flags/src/node.ts';
import { awaitDelivery, deliveryOf, type Delivery, type FlagChange } from '../../src/flags/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { aFlag, openBed, until, type Bed, type Served } from '../server/bed.ts';
import { listen } from '../server/listen.ts';

let bed: Bed;
let server: Served;
let token: string;
const clients: FlagsClient[] = [];
beforeAll(async () => {
  bed = await openBed();
  server = await bed.serve();
  token = await bed.token(['server-evaluate']);
  await bed.write([['kill-me', aFlag()]], 'create');
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => bed.stop());

async function connect(options: Partial<NodeClientOptions> = {}): Promise<FlagsClient> {
  const client = createClient({ url: server.base, token, initTimeoutMs: 20_000, log: () => undefined, ...options });
  clients.push(client);
  await client.ready;
  return client;
}
const isOn = (client: FlagsClient): boolean => client.boolean('kill-me', {}, false);

const delivery = async ({ environment, seq }: FlagChange): Promise<Delivery> =>
  deliveryOf(await bed.store.telemetry.reach(environment), seq);

/** The key that a server said it signs with. */
function keyOf({ log }: Served): string {
  const said = log.map((line) => JSON.parse(line) as { readonly message: string; readonly key: string });
  return said.find(({ message }) => message === 'flags are signed')?.key ?? '';
}

/** The minute is over in which clients of processes that ended are waited for. */
const comeBack = () => bed.query(`update slipway.flag_server set ended_at = ended_at - interval '61 seconds'`);

/** Stands before two processes and takes requests to one or the other by their method. */
async function balanceByMethod(targets: Readonly<Record<'GET' | 'POST', string>>) {
  const posted: string[] = [];
  const proxy = createServer((incoming, answer) => {
    const method = incoming.method === 'POST' ? 'POST' : 'GET';
    if (method === 'POST') posted.push(incoming.url ?? '');
    const onward = request(targets[method] + incoming.url, { method, headers: incoming.headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
    answer.on('close', () => onward.destroy());
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const { port } = proxy.address() as AddressInfo;
  return { base: `http://127.0.0.1:${port}`, posted, close: () => new Promise((done) => proxy.close(done)) };
}

describe('slipway serve and its client', () => {
  it('a kill reaches a client of every server process, and each says so', async () => {
    const other = await bed.serve();
    expect(keyOf(other)).toBe(keyOf(server));
    const pinned = { keys: [keyOf(server)], environment: 'dev' };
    const all = [await connect(pinned), await connect(pinned), await connect({ ...pinned, url: other.base })];
    await bed.write([['kill-me', aFlag()]]);
    await until(() => all.every(isOn));
    const change = await bed.write([['kill-me', aFlag({ enabled: false })]], 'kill');
    const wait = { telemetry: bed.store.telemetry, clock: systemClock };
    const reached = await awaitDelivery(wait, change, 20_000, new AbortController().signal);
    expect(reached).toMatchObject({ servers: 2, heard: 2, connected: 3, acknowledged: 3, stale: [], complete: true });
    expect(all.map(isOn)).toEqual([false, false, false]);
    await other.stop();
    await comeBack();
  });

  it('who does not acknowledge is named', async () => {
    await connect();
    const silent = await listen(`${server.base}/flags/v1/stream?client=silent`, { authorization: `Bearer ${token}` });
    expect(silent.status).toBe(200);
    const change = await bed.write([['kill-me', aFlag({ enabled: false })]], 'kill');
    await until(async () =>
      (await bed.store.telemetry.reach('dev')).some(({ seq, acknowledged }) => seq === change.seq && acknowledged === 1),
    );
    const reach = (await bed.store.telemetry.reach('dev')).find(({ seq }) => seq === change.seq);
    const from = { address: expect.stringContaining('127.0.0.1') as unknown, token: { id: token.split('_')[1], description: 'test' } };
    expect(reach).toMatchObject({ connected: 2, acknowledged: 1, stale: [{ client: 'silent', from }] });
    silent.close();
    await until(async () => (await bed.store.telemetry.reach('dev')).some(({ connected, stale }) => connected === 1 && stale.length === 0));
  });

  it('a client calls itself nothing that nobody can read: a kill, and all who wait for it, are as before', async () => {
    const client = await connect();
    const headers = { authorization: `Bearer ${token}` };
    expect((await listen(`${server.base}/flags/v1/stream?client=%00`, headers)).status).toBe(400);
    expect((await server.call('POST /flags/v1/acknowledge', { token, body: { client: '\ud800', seq: 0 } })).status).toBe(400);
    const change = await bed.write([['kill-me', aFlag({ enabled: false })]], 'kill');
    const wait = { telemetry: bed.store.telemetry, clock: systemClock };
    expect(await awaitDelivery(wait, change, 20_000, new AbortController().signal)).toMatchObject({ connected: 1, complete: true });
    expect(isOn(client)).toBe(false);
  });

  it('whoever wants another environment than its token is of is refused, and waited for by nobody', async () => {
    const client = createClient({ url: server.base, token, environment: 'prd', initTimeoutMs: 20_000, log: () => undefined });
    const own = `The token ${token.split('_')[1]} is of dev, and the client wants prd. Give the client a token of prd, or have it want dev.`;
    expect(await client.ready).toMatchObject({ source: 'defaults', problem: `the token is of another environment (403): ${own}` });
    expect(client.status().state).toBe('ERROR');
    expect(server.log.some((line) => line.includes('its token is of another environment'))).toBe(true);
    const change = await bed.write([['kill-me', aFlag({ enabled: false })]], 'kill');
    const wait = { telemetry: bed.store.telemetry, clock: systemClock };
    expect(await awaitDelivery(wait, change, 20_000, new AbortController().signal)).toMatchObject({ connected: 0, complete: true });
    await client.close();
  });

  it('counts a client where its stream is, whichever process a balancer takes its acknowledgement to', async () => {
    const other = await bed.serve();
    const balancer = await balanceByMethod({ GET: server.base, POST: other.base });
    const client = await connect({ url: balancer.base });
    const change = await bed.write([['kill-me', aFlag({ enabled: false })]], 'kill');
    const wait = { telemetry: bed.store.telemetry, clock: systemClock };
    const reached = await awaitDelivery(wait, change, 20_000, new AbortController().signal);
    expect(reached).toMatchObject({ servers: 2, connected: 1, acknowledged: 1, complete: true });
    expect(balancer.posted).toContain('/flags/v1/acknowledge');
    await client.close();
    await balancer.close();
    await other.stop();
  });

  it('who acknowledges what the server itself does not have is asked to come back, and not counted', async () => {
    await connect();
    const silent = await listen(`${server.base}/flags/v1/stream?client=ahead`, { authorization: `Bearer ${token}` });
    const change = await bed.write([['kill-me', aFlag({ enabled: false })]], 'kill');
    const acknowledge = (seq: number) => server.call('POST /flags/v1/acknowledge', { token, body: { client: 'ahead', seq } });
    const reach = async () => (await bed.store.telemetry.reach('dev')).find(({ seq }) => seq === change.seq);
    await until(async () => (await reach())?.acknowledged === 1);
    expect((await acknowledge(change.seq + 1)).status).toBe(409);
    expect((await acknowledge(change.seq - 1)).status).toBe(204);
    expect(await reach()).toMatchObject({ connected: 2, acknowledged: 1 });
    expect((await acknowledge(change.seq)).status).toBe(204);
    await until(async () => (await reach())?.acknowledged === 2);
    silent.close();
  });

  it('a server process that begins after a kill has its clients acknowledge it too', async () => {
    const change = await bed.write([['kill-me', aFlag({ enabled: false })]], 'kill');
    const late = await bed.serve();
    const client = await connect({ url: late.base });
    await until(async () => {
      const { servers, heard, connected, acknowledged, complete } = await delivery(change);
      return complete && servers === 2 && heard === 2 && connected === 1 && acknowledged === 1;
    });
    await client.close();
    expect(await late.stop()).toBe(0);
  });

  it('a server process that ended is not waited for, and its clients are until they may have come back', async () => {
    const [ending, dying] = [await bed.serve(), await bed.serve()];
    await connect({ url: dying.base });
    expect(await ending.stop()).toBe(0);
    // Of one that dies before it said so, nobody knows that it had a client.
    const counted = async (): Promise<number | undefined> =>
      (await bed.store.telemetry.reach('dev')).find(({ pid }) => pid === dying.child.pid)?.connected;
    await until(async () => (await counted()) === 1);
    const gone = once(dying.child, 'exit');
    dying.child.kill('SIGKILL');
    await gone;
    const change = await bed.write([['kill-me', aFlag({ enabled: false })]], 'kill');
    const wait = { telemetry: bed.store.telemetry, clock: systemClock };
    await until(async () => (await delivery(change)).heard === 1);
    const lost = { pid: dying.child.pid, clients: 1, at: expect.any(Number), until: expect.any(Number) };
    expect(await delivery(change)).toMatchObject({ servers: 1, complete: false, silent: [], ended: [lost] });
    await comeBack();
    const reached = await awaitDelivery(wait, change, 20_000, new AbortController().signal);
    expect(reached).toMatchObject({ servers: 1, heard: 1, complete: true, silent: [], ended: [] });
  });

  it('who comes back with the same number of another past is sent the whole', async () => {
    const etag = (await server.call('GET /flags/v1/snapshot', { token })).headers.get('etag') ?? '';
    const position = etag.replaceAll('"', '');
    const first = async (id: string): Promise<string> => {
      const ending = new AbortController();
      const headers = { authorization: `Bearer ${token}`, 'last-event-id': id };
      const { body } = await fetch(`${server.base}/flags/v1/stream`, { headers, signal: ending.signal });
      const decoder = new TextDecoder();
      let text = '';
      // Two frames, which may come apart.
      for await (const chunk of body ?? [])
        if ((text += decoder.decode(chunk, { stream: true })).replace(itself, '').includes('\n\n')) break;
      ending.abort();
      return text.replace(itself, '');
    };
    const itself = /^event: server\ndata: \{"process":"[^"]+"\}\n\n/;
    expect(await first(position)).toBe(':\n\n');
    for (const other of [`${position.slice(0, -1)}!`, /^\d+/.exec(position)?.[0] ?? ''])
      expect(await first(other)).toMatch(new RegExp(`^id: ${position}\nevent: snapshot\n`));
  });

  it('the snapshot has an entity tag that outlives deltas, and is compressed for who wants it', async () => {
    const first = await server.call('GET /flags/v1/snapshot', { token, headers: { 'accept-encoding': 'gzip' } });
    const etag = first.headers.get('etag') ?? '';
    expect([first.status, first.headers.get('content-encoding'), first.headers.get('age')]).toEqual([200, 'gzip', '0']);
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`]) {
      expect((await server.call('GET /flags/v1/snapshot', { token, headers: { 'if-none-match': tag } })).status).toBe(304);
    }
    const { seq } = await bed.write([['kill-me', aFlag()]]);
    await until(
      async () => (await server.call('GET /flags/v1/snapshot', { token })).headers.get('etag') === etag.replace(/\d+/, String(seq)),
    );
    expect((await server.call('GET /flags/v1/snapshot', { token, headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  it('counts what was served, of flags that there are', async () => {
    const since = systemClock.now() - 3_600_000;
    const { seq } = await bed.write([['counted', aFlag()]], 'create');
    const client = await connect();
    await until(() => client.status().seq === seq);
    for (let index = 0; index < 5; index++) client.boolean('counted', {}, false);
    client.boolean('made-up', {}, false);
    await client.close();
    const counts = ['made-up', 'counted'].map((flag) => ({ flag, variant: 'made-up', from: 0, to: 1, count: 5 }));
    expect((await server.call('POST /flags/v1/telemetry', { token, body: { client: 'liar', counts } })).status).toBe(204);
    const counted = async () => (await bed.store.telemetry.counted('dev', since)).filter(({ flag }) => flag !== 'kill-me');
    await until(async () => (await counted()).length > 0);
    expect(await counted()).toMatchObject([{ flag: 'counted', variant: 'on', count: 5 }]);
  });

  it.each([
    ['GET /flags/v1/stream', undefined],
    ['GET /flags/v1/snapshot', undefined],
    ['POST /flags/v1/acknowledge', { client: 'a', seq: 1 }],
    ['POST /flags/v1/telemetry', { client: 'a', counts: [] }],
  ])('%s is for tokens with the scope alone', async (what, body) => {
    const weak = await bed.token(['client-evaluate', 'write', 'kill']);
    expect((await server.call(what, { ...(body === undefined ? {} : { body }) })).status).toBe(401);
    expect((await server.call(what, { token: weak, ...(body === undefined ? {} : { body }) })).status).toBe(403);
  });

  const one = { flag: 'f', variant: 'v', from: 0, to: 0, count: 1 };
  it.each([
    ['acknowledge', 'what is no JSON', 'not JSON', [400, 'request_invalid']],
    ['acknowledge', 'nobody', { client: '', seq: 1 }, [400, 'usage']],
    ['acknowledge', 'a time before the first', { client: 'a', seq: -1 }, [400, 'usage']],
    ['telemetry', 'a count of nothing', { client: 'a', counts: [{ ...one, count: 0 }] }, [400, 'usage']],
    ['telemetry', 'too many counts', { client: 'a', counts: Array.from({ length: 1_001 }, () => one) }, [400, 'usage']],
    ['telemetry', 'too many bytes', 'x'.repeat(70_000), [413, 'too_large']],
  ] as const)('%s refuses %s', async (path, _what, body, [status, code]) => {
    const answer = await server.call(`POST /flags/v1/${path}`, { token, body });
    expect([answer.status, answer.json]).toEqual([status, { error: expect.objectContaining({ code }) as unknown }]);
  });

  it('ends the streams of a token that was revoked', async () => {
    const mine = await bed.token(['server-evaluate']);
    const client = await connect({ token: mine });
    await bed.store.tokens.revoke(mine.split('_')[1] ?? '', { actor: 'ann', reason: '' });
    await until(() => client.status().state === 'ERROR');
    expect(client.status().problem).toContain('401');
    expect(client.boolean('kill-me', {}, false)).toBe(true);
  });
});
