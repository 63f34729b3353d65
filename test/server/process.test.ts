import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliveryOf, type Delivery } from '../../src/flags/index.ts';
import { aFlag, openBed, until, type Answer, type Bed, type Served } from './bed.ts';
import { listen } from './listen.ts';

let bed: Bed;
let served: Served;
let token: string;

beforeAll(async () => {
  bed = await openBed();
  served = await bed.serve();
  token = await bed.token(['client-evaluate', 'server-evaluate', 'write', 'kill']);
  await bed.write([['release_on', aFlag()]]);
  await until(async () => (await evaluate(served)).text.includes('release_on'));
});
afterAll(async () => bed.stop());

const BULK = 'POST /ofrep/v1/evaluate/flags';
const evaluate = (one: Served): Promise<Answer> => one.call(BULK, { token, body: { context: {} } });
const streamOf = ({ json }: Answer): string =>
  (json['eventStreams'] as readonly { readonly endpoint: { readonly requestUri: string } }[])[0]?.endpoint.requestUri ?? '';

describe('memory', () => {
  const begunWith = ({ child }: Served): string => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').replaceAll('\0', ' ');

  it('a server has little for what is short-lived, in the process that was started', () => {
    expect(begunWith(served)).toMatch(/--max-semi-space-size=4 \S+main\.js serve --port 0 $/);
  });

  it('whoever says how much it may have is heard', async () => {
    const one = await bed.serveIn({ NODE_OPTIONS: '--max-semi-space-size=16' });
    expect(begunWith(one)).not.toContain('semi-space');
    await one.stop();
  });
});

describe('while the store is away', () => {
  it('a server answers from memory, says so, stays ready, and comes back by itself', async () => {
    const heard = await listen(served.base + streamOf(await evaluate(served)));
    const before = served.log.length;
    bed.cut();
    try {
      await until(async () => (await evaluate(served)).headers.get('slipway-behind-ms') !== null);
      const answer = await evaluate(served);
      expect(answer.json).toMatchObject({
        flags: [{ key: 'release_on', value: true }],
        metadata: { behindMs: expect.any(Number), environment: 'dev' },
      });
      const ready = await served.call('GET /health/ready');
      await until(async () => (await served.call('GET /health/current')).status === 503);
      expect([ready.status, ready.json]).toEqual([200, { status: 'ready', store: { reachable: false, behindMs: expect.any(Number) } }]);
      // Nobody can say of a token that was never seen whether it is good: that is not the fault of its holder.
      const fresh = await bed.token(['client-evaluate']);
      const refused = await served.call(BULK, { token: fresh, body: { context: {} } });
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      await bed.write([['release_on', aFlag({ enabled: false })]]);
    } finally {
      bed.mend();
    }
    await until(async () => (await evaluate(served)).text.includes('DISABLED'));
    await until(() => heard.events.length > 0);
    await until(async () => (await evaluate(served)).headers.get('slipway-behind-ms') === null);
    expect((await served.call('GET /health/ready')).json).toMatchObject({ store: { reachable: true, behindMs: 0 } });
    expect(served.log.slice(before).filter((line) => line.includes('served from memory'))).toHaveLength(1);
    heard.close();
  });
});

describe('while the store is away for longer than the limit', () => {
  it('a server answers nothing that may be wrong, is no reason for a kill to wait any more, and comes back by itself', async () => {
    const one = await bed.serve('--stale-limit', '10s');
    const heard = await listen(one.base + streamOf(await evaluate(one)));
    const all = async (): Promise<Delivery> => deliveryOf(await bed.store.telemetry.reach('dev'), change.seq);
    bed.cut();
    const change = await bed.write([['release_on', aFlag({ enabled: false })]], 'kill');
    // It may answer that the flag is on, so whoever asks is told that it may.
    await until(async () => (await one.call('GET /health/current')).status === 503);
    expect((await one.call('GET /health/ready')).status).toBe(200);
    await until(async () => (await all()).silent.length === 2);
    expect((await all()).complete).toBe(false);
    await until(async () => (await evaluate(one)).status === 503);
    const refused = await evaluate(one);
    expect([refused.headers.get('retry-after'), refused.json['error']]).toEqual(['1', expect.objectContaining({ code: 'flags_stale' })]);
    for (const what of [`${BULK}/release_on`, 'GET /flags/v1/snapshot', 'GET /api/v1/flags'])
      expect((await one.call(what, { token, ...(what === `${BULK}/release_on` ? { body: { context: {} } } : {}) })).status, what).toBe(503);
    const ready = await one.call('GET /health/ready');
    expect([ready.status, ready.json['status']]).toEqual([503, 'stale']);
    await until(heard.ended);
    // The other one promised an hour, and is still waited for.
    await until(async () => (await all()).silent.length === 1);
    expect((await evaluate(served)).status).toBe(200);
    bed.mend();
    await until(async () => (await evaluate(one)).text.includes('DISABLED'));
    await until(async () => (await all()).complete);
    await one.stop();
    await bed.write([['release_on', aFlag()]]);
  });
});

describe('the end', () => {
  it('holds no stream while it is written who was connected: they are on their way to another process by then', async () => {
    const one = await bed.serve();
    const heard = await listen(`${one.base}/flags/v1/stream?client=leaves`, { 'x-api-key': token });
    const sleeping = `from pg_stat_activity where wait_event = 'PgSleep'`;
    // Nobody can write it meanwhile.
    const locked = bed.query('begin; lock table slipway.flag_left in access exclusive mode; select pg_sleep(60)').catch(() => []);
    await until(async () => (await bed.query(`select pid ${sleeping}`)).length === 1);
    const stopped = one.stop();
    await until(heard.ended);
    expect(one.log.join('\n')).not.toContain('who must come back');
    expect(heard.events.map(({ event }) => event)).toContain('bye');
    await bed.query(`select pg_terminate_backend(pid) ${sleeping}`);
    await locked;
    expect(await stopped).toBe(0);
  });

  it('SIGTERM finishes what is being answered, ends streams, and the process leaves with 0', async () => {
    const one = await bed.serve();
    const heard = await listen(one.base + streamOf(await evaluate(one)));
    const body = JSON.stringify({ context: {} });
    const late = await open(one.port);
    const head = `host: x\r\nx-api-key: ${token}\r\nexpect: 100-continue\r\ncontent-length: ${body.length}`;
    late.write(`POST /ofrep/v1/evaluate/flags HTTP/1.1\r\n${head}\r\n\r\n`);
    // The server says that it has begun with it: before that, nothing would be in flight.
    expect(await read(late)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    const left = one.stop();
    await until(heard.ended);
    late.write(body);
    expect(await read(late)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await left).toBe(0);
    // Nor is the connection waited for, which its client keeps.
    expect(one.log.filter((line) => line.includes('cut off'))).toEqual([]);
    await expect(fetch(one.base)).rejects.toThrow('fetch failed');
  });

  it('two may not listen in one place: the second says which, and nothing else', async () => {
    // What it logged stands in the message: it had not begun with anything.
    await expect(bed.serve('--port', String(served.port))).rejects.toThrow(/^slipway serve ended with 25: $/);
    expect(await bed.cli('serve', '--port', String(served.port))).toEqual({
      exit: 25,
      out: '',
      err: `error: Somebody else listens on 127.0.0.1:${served.port}\nhint: Stop what listens there (another \`slipway serve\`?), or choose another port with --port.\n`,
    });
  });
});

describe('bad input', () => {
  it('a body that is too long is refused, whether it says so or not', async () => {
    const long = await served.call(BULK, { token, body: 'x'.repeat(65 * 1024) });
    expect([long.status, long.json['error']]).toEqual([413, expect.objectContaining({ code: 'too_large' })]);
    const flag = await served.call('POST /api/v1/flags', { token, body: 'x'.repeat(1024 * 1024 + 1) });
    expect(flag.status).toBe(413);
    const socket = await open(served.port);
    socket.on('error', () => undefined);
    socket.write(`POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nhost: x\r\nx-api-key: ${token}\r\ntransfer-encoding: chunked\r\n\r\n`);
    for (let part = 0; part < 9; part++) socket.write(`2000\r\n${'x'.repeat(0x2000)}\r\n`);
    expect(await read(socket)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('a body that is compressed, binary or deep does no harm', async () => {
    const odd = [
      { body: 'x', headers: { 'content-encoding': 'gzip' } },
      { body: '\u0000\u0001' },
      { body: '['.repeat(60_000) },
      { body: `{"context":${'{"a":'.repeat(10_000)}` },
      { body: '{"context":{"__proto__":{"targetingKey":"x"},"constructor":1}}' },
    ];
    for (const one of odd) expect([200, 400]).toContain((await served.call(BULK, { token, ...one })).status);
    for (const one of odd) expect((await served.call('POST /api/v1/flags', { token, ...one })).status).toBe(400);
  });

  it('paths, methods and headers that are none get an answer in the one shape', async () => {
    const asked = {
      'GET /': [404, 'not_found'],
      'GET /api/v1/nothing': [404, 'not_found'],
      'DELETE /api/v1/flags': [405, 'method_refused'],
      'PUT /ofrep/v1/evaluate/flags': [405, 'method_refused'],
      'GET /api/v1/flags/x/history?limit=1e9': [400, 'request_invalid'],
      'GET /api/v1/flags/%E0%A4%A': [404, 'not_found'],
    } as const;
    for (const [what, [status, code]] of Object.entries(asked)) {
      const answer = await served.call(what, { token });
      expect([answer.status, answer.json], what).toEqual([
        status,
        { error: { code, message: expect.any(String), hint: expect.any(String) } },
      ]);
    }
    expect((await served.call('DELETE /api/v1/flags', { token })).headers.get('allow')).toBe('GET, POST');
    for (const raw of [
      'BREW / HTTP/1.1\r\nhost: x\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      '\u0016\u0003\u0001',
      `GET / HTTP/1.1\r\nhost: x\r\na: ${'a'.repeat(20_000)}\r\n\r\n`,
    ]) {
      const socket = await open(served.port);
      socket.on('error', () => undefined);
      socket.write(raw);
      expect(await read(socket), raw.slice(0, 20)).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    for (const authorization of ['', 'Bearer', 'Bearer  ', 'Basic YTpi', `Bearer ${token} x`, `bearer\t${token}`])
      expect((await served.call(BULK, { body: { context: {} }, headers: { authorization } })).status, authorization).toBe(401);
    expect((await served.call('GET /health/live')).status).toBe(200);
  });

  it('who sends slowly is cut off, and a stream is not', async () => {
    const heard = await listen(served.base + streamOf(await evaluate(served)));
    const slow = await open(served.port);
    slow.on('error', () => undefined);
    slow.write('POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nhost: x\r\n');
    const dripping = setInterval(() => slow.write('a: b\r\n'), 500);
    expect(await read(slow)).toMatch(/^(HTTP\/1\.1 408 |$)/);
    clearInterval(dripping);
    expect(heard.ended()).toBe(false);
    heard.close();
  });

  it('who brings wrong tokens is slowed down, and who brings a right one from the same address is not', async () => {
    // So many that the ten a second which are let through do not reach for all of them, however slow this machine is.
    const made = Array.from({ length: 250 }, (_, at) => `slp_${String(at).padStart(16, '0')}_${'0'.repeat(64)}`);
    // Never seen by this process, so the store must be asked for it too.
    const right = await bed.token(['client-evaluate']);
    const asked = Promise.all(made.map((one) => served.call(BULK, { token: one, body: { context: {} } })));
    expect((await served.call(BULK, { token: right, body: { context: {} } })).status).toBe(200);
    const answers = await asked;
    const late = await bed.token(['client-evaluate']);
    expect((await served.call(BULK, { token: late, body: { context: {} } })).status).toBe(200);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 429]));
    expect((await evaluate(served)).status).toBe(200);
  });
});

it('neither a secret, nor a query, nor a body comes into the log', async () => {
  const uri = streamOf(await evaluate(served));
  const heard = await listen(served.base + uri);
  await served.call(`${BULK}?flagConfigEtag=in-the-query`, { token, body: { context: { targetingKey: 'in-the-body' } } });
  await served.call('GET /api/v1/nothing?in-the-query', { token });
  await until(() => served.log.some((line) => line.includes('/ofrep/v1/stream')));
  const log = served.log.join('\n');
  for (const secret of [token.split('_')[2] ?? '', uri.split('token=')[1] ?? '', 'in-the-query', 'in-the-body'])
    expect(log).not.toContain(secret);
  heard.close();
});

it('metrics count answers by route, and nobody makes new series by asking', async () => {
  for (let at = 0; at < 5; at++) await served.call(`GET /made/up/${at}`);
  await served.call(`${BULK}/made-up-key`, { token, body: { context: {} } });
  const { text } = await served.call('GET /metrics', { token });
  expect(text).toMatch(/slipway_http_requests_total\{route="\/ofrep\/v1\/evaluate\/flags\/:key",status="404",version="[^"]+"\} \d+/);
  expect(text).toMatch(/slipway_flags_seq\{environment="dev",[^}]*\} [1-9]/);
  expect(text).not.toContain('made');
});

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** The beginning of what comes; empty when the connection is closed without. */
async function read(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (data) => resolve(data.toString()));
    socket.once('close', () => resolve(''));
  });
}
