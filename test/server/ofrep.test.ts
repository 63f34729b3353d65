import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aFlag, openBed, until, type Answer, type Bed, type Served } from './bed.ts';
import { listen } from './listen.ts';

let bed: Bed;
let served: Served;
let other: Served;
let token: string;

beforeAll(async () => {
  bed = await openBed();
  [served, other] = [await bed.serve(), await bed.serve()];
  token = await bed.token(['client-evaluate']);
});
afterAll(async () => bed.stop());

const BULK = 'POST /ofrep/v1/evaluate/flags';
const ann = { context: { targetingKey: 'ann', plan: 'beta' } };
const bob = { context: { targetingKey: 'bob', plan: 'free' } };

const bulk = (body: unknown, headers: Readonly<Record<string, string>> = {}, query = ''): Promise<Answer> =>
  served.call(`${BULK}${query}`, { token, body, headers });
const etagOf = ({ headers }: Answer): string => headers.get('etag') ?? '';
const streamOf = ({ json }: Answer): string =>
  (json['eventStreams'] as readonly { readonly endpoint: { readonly requestUri: string } }[])[0]?.endpoint.requestUri ?? '';

/** Writes and waits until both servers have it. */
async function write(...[writes, action]: Parameters<Bed['write']>): Promise<number> {
  const { seq } = await bed.write(writes, action);
  for (const one of [served, other])
    await until(async () => ((await one.call(BULK, { token, body: ann })).json['metadata'] as { readonly seq: number }).seq === seq);
  return seq;
}

const BETA = aFlag({
  rules: [{ name: 'secret-rule', when: { attribute: 'plan', operator: 'eq', value: 'beta' }, serve: { variant: 'on' } }],
  default: { variant: 'off' },
});

describe('bulk', () => {
  it('answers every flag in the form of the protocol', async () => {
    const seq = await write([
      ['release_beta', BETA],
      ['release_off', aFlag({ enabled: false })],
    ]);
    const answer = await bulk(ann);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.json).toEqual({
      flags: [
        { key: 'release_beta', reason: 'TARGETING_MATCH', variant: 'on', value: true },
        { key: 'release_off', reason: 'DISABLED', variant: 'off', value: false },
      ],
      metadata: { environment: 'dev', seq },
      eventStreams: [
        { type: 'sse', endpoint: { requestUri: expect.stringMatching(/^\/ofrep\/v1\/stream\?token=/) }, inactivityDelaySec: 120 },
      ],
    });
  });

  it('tells a client nothing of rules, owners or segments', async () => {
    const { text } = await bulk(ann);
    for (const word of ['secret-rule', 'plan', 'shop', 'salt', 'rules']) expect(text).not.toContain(word);
  });

  it('answers 304 to whoever has it, also after a change that does not concern them', async () => {
    await write([['release_beta', BETA]]);
    const [forAnn, forBob] = [etagOf(await bulk(ann)), etagOf(await bulk(bob))];
    expect(forAnn).not.toBe(forBob);
    const again = await bulk(ann, { 'if-none-match': forAnn });
    expect([again.status, again.text, etagOf(again)]).toEqual([304, '', forAnn]);
    expect((await bulk(ann, { 'if-none-match': `"x", W/${forAnn}` })).status).toBe(304);
    expect((await bulk(ann, { 'if-none-match': forBob })).status).toBe(200);
    await write([['release_beta', { ...BETA, default: { variant: 'on' } }]]);
    expect((await bulk(ann, { 'if-none-match': forAnn })).status).toBe(304);
    expect((await bulk(bob, { 'if-none-match': forBob })).status).toBe(200);
  });

  it('gives whoever shows an ETag of an hour ago a new stream, or they would go on trying one that does not open', async () => {
    const [hash, epoch, of] = etagOf(await bulk(ann))
      .replaceAll('"', '')
      .split('.');
    const shown = async (age: number): Promise<number> =>
      (await bulk(ann, { 'if-none-match': `"${hash}.${Number(epoch) - age}.${of}"` })).status;
    expect([await shown(0), await shown(1), await shown(2)]).toEqual([304, 304, 200]);
  });

  it('gives whoever comes with another token a stream of that one: the one that it has ends with the token it had', async () => {
    const before = await bulk(ann);
    const next = await bed.token(['client-evaluate']);
    const after = await served.call(BULK, { token: next, body: ann, headers: { 'if-none-match': etagOf(before) } });
    expect([after.status, after.json['flags']]).toEqual([200, before.json['flags']]);
    expect(streamOf(after)).toContain(`token=${next.split('_')[1]}.`);
  });

  it('is the same from every process', async () => {
    const body = { token, body: ann };
    const [here, there] = [await served.call(BULK, body), await other.call(BULK, body)];
    expect([etagOf(here), here.json['flags']]).toEqual([etagOf(there), there.json['flags']]);
  });

  it('refuses what cannot be evaluated at all, in the words of the protocol', async () => {
    const refused = [
      ['{', 'PARSE_ERROR'],
      ['', 'PARSE_ERROR'],
      ['{"context":'.repeat(100), 'PARSE_ERROR'],
      ['[]', 'INVALID_CONTEXT'],
      ['null', 'INVALID_CONTEXT'],
      ['{}', 'INVALID_CONTEXT'],
      ['{"context":[]}', 'INVALID_CONTEXT'],
      ['{"context":{"targetingKey":7}}', 'INVALID_CONTEXT'],
    ] as const;
    for (const [body, errorCode] of refused) {
      const { status, json } = await bulk(body);
      expect([status, json['errorCode']], body).toEqual([400, errorCode]);
      const single = await served.call(`${BULK}/release_beta`, { token, body });
      expect([single.status, single.json['key'], single.json['errorCode']], body).toEqual([400, 'release_beta', errorCode]);
    }
  });
});

describe('a stream', () => {
  it('tells of a change, with an id, and never what it was', async () => {
    const heard = await listen(served.base + streamOf(await bulk(ann)));
    expect([heard.status, heard.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const seq = await write([['release_beta', BETA]]);
    await until(() => heard.events.length > 0);
    const data: unknown = JSON.parse(heard.events[0]?.data ?? '');
    expect(heard.events).toEqual([{ id: String(seq), event: 'message', data: expect.anything() }]);
    expect(data).toEqual({ type: 'refetchEvaluation', etag: `seq-${seq}`, lastModified: expect.any(Number) });
    heard.close();
  });

  it('tells at once of what happened between the answer and the stream, and of what was missed', async () => {
    const before = await bulk(ann);
    const seq = await write([['release_beta', BETA]]);
    for (const headers of [{}, { 'last-event-id': String(seq - 1) }] as const) {
      const heard = await listen(other.base + streamOf(before), headers);
      await until(() => heard.events.length > 0);
      expect(heard.events[0]?.id).toBe(String(seq));
      heard.close();
    }
    const upToDate = await listen(served.base + streamOf(before), { 'last-event-id': String(seq) });
    const next = await write([['release_beta', { ...BETA, enabled: false }]]);
    await until(() => upToDate.events.length > 0);
    expect(upToDate.events.map(({ id }) => id)).toEqual([String(next)]);
    upToDate.close();
  });

  it('lets everybody who is told of a change ask for it, however many have one token, and nobody else', async () => {
    const slow = await bed.serve('--rate', '1');
    const shared = await bed.token(['client-evaluate']);
    const ask = (query = ''): Promise<Answer> => slow.call(`${BULK}${query}`, { token: shared, body: ann });
    const uri = streamOf(await ask());
    const heard = await Promise.all(Array.from({ length: 20 }, () => listen(slow.base + uri)));
    const seq = await write([['release_beta', { ...BETA, default: { variant: 'on' } }]]);
    await until(() => heard.every(({ events }) => events.at(-1)?.id === String(seq)));
    const told = await Promise.all(heard.map(() => ask(`?flagConfigEtag=seq-${seq}`)));
    expect(told.map(({ status }) => status)).toEqual(heard.map(() => 200));
    const others = await Promise.all(heard.map(() => ask()));
    expect(others.map(({ status }) => status)).toContain(429);
    for (const one of heard) one.close();
  });

  it('opens with nothing but a token that was made for it', async () => {
    const uri = streamOf(await bulk(ann));
    const [, text = ''] = /token=([^&]+)/.exec(uri) ?? [];
    const wrong = [uri.replace(text, ''), uri.replace(text, token), uri.replace(text, `${text}x`), uri.replace(/\.\d+\./, '.1.')];
    for (const one of wrong) expect((await listen(served.base + one)).status, one).toBe(401);
    expect((await listen(`${served.base}/ofrep/v1/stream`)).status).toBe(400);
    // And it opens nothing else.
    expect((await served.call('POST /ofrep/v1/evaluate/flags', { token: text, body: ann })).status).toBe(401);
  });

  it('ends with the token it came from', async () => {
    const doomed = await bed.token(['client-evaluate']);
    const heard = await listen(served.base + streamOf(await served.call(BULK, { token: doomed, body: ann })));
    expect(heard.status).toBe(200);
    await bed.store.tokens.revoke(doomed.split('_')[1] ?? '', { actor: 'ann', reason: '' });
    await until(heard.ended);
  });
});

it('a token may come as X-API-Key, also where Authorization is for a proxy', async () => {
  const ask = (headers: Readonly<Record<string, string>>) => served.call(BULK, { body: ann, headers });
  expect((await ask({ 'x-api-key': token, authorization: 'Basic YW5uOnNlY3JldA==' })).status).toBe(200);
  expect((await ask({ authorization: 'Basic YW5uOnNlY3JldA==' })).status).toBe(401);
});

it('whoever heard of a change from another process is not answered with what was before it', async () => {
  for (let round = 0; round < 5; round++) {
    await bed.deafen();
    const { seq } = await bed.write([['release_beta', aFlag({ enabled: round % 2 === 0 })]]);
    const { json } = await other.call(`${BULK}?flagConfigEtag=seq-${seq}`, { token, body: bob });
    expect((json['metadata'] as { readonly seq: number }).seq).toBe(seq);
  }
});

it('a flag is found by its key, whatever is in it, and prototypes are no flags', async () => {
  await write([['a/b%? ü#', aFlag()]]);
  const single = (key: string): Promise<Answer> => served.call(`${BULK}/${key}`, { token, body: ann });
  expect((await single(encodeURIComponent('a/b%? ü#'))).json).toMatchObject({ key: 'a/b%? ü#', value: true });
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '%00', '%', '%E0%A4%A', 'x'.repeat(5_000)]) {
    const { status, json } = await single(key);
    expect([status, json['errorCode']], key).toEqual([404, 'FLAG_NOT_FOUND']);
  }
  await write([['a/b%? ü#', null]]);
});

it('counts what was asked for by itself, and that all were asked for at once', async () => {
  await write([['release_counted', BETA]]);
  const one = await bed.serve();
  for (const body of [ann, ann, bob]) await one.call(`${BULK}/release_counted`, { token, body });
  await one.call(`${BULK}/release_nowhere`, { token, body: ann });
  await one.call(BULK, { token, body: ann });
  await one.stop();
  const counted = (await bed.store.telemetry.counted('dev', 0)).filter(
    ({ flag }) => !flag.startsWith('release_beta') && flag !== 'a/b%? ü#',
  );
  expect(counted).toMatchObject([
    { flag: '', variant: '' },
    { flag: 'release_counted', variant: 'off', count: 1 },
    { flag: 'release_counted', variant: 'on', count: 2 },
  ]);
});

describe('web pages', () => {
  const page = { origin: 'https://shop.example' };
  const preflight = async (one: Served, origin: string): Promise<Response> =>
    fetch(`${one.base}/ofrep/v1/evaluate/flags`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
    });

  it('of other origins may not ask, unless they were named', async () => {
    expect((await preflight(served, page.origin)).headers.get('access-control-allow-origin')).toBeNull();
    const open = await bed.serve('--origin', page.origin);
    const allowed = await preflight(open, page.origin);
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, page.origin]);
    expect(allowed.headers.get('access-control-allow-headers')).toContain('if-none-match');
    expect((await preflight(open, 'https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
    const answer = await open.call(BULK, { token, body: ann, headers: page });
    expect([answer.headers.get('access-control-allow-origin'), answer.headers.get('vary')]).toEqual([page.origin, 'origin']);
    expect(answer.headers.get('access-control-expose-headers')).toContain('etag');
    // A page must be able to read why it was refused, and its stream.
    const refused = await open.call(BULK, { body: ann, headers: page });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, page.origin]);
    const heard = await listen(open.base + streamOf(answer), page);
    expect(heard.headers['access-control-allow-origin']).toBe(page.origin);
    heard.close();
    // The API is no page's business.
    expect((await open.call('GET /api/v1/flags', { token, headers: page })).headers.get('access-control-allow-origin')).toBeNull();
  });
});
