import { afterAll, beforeAll, expect, it } from 'vitest';
import { readToken, revokeToken } from '../../src/flags/index.ts';
import { aFlag, openBed, until, type Bed, type Served } from './bed.ts';
import { listen } from './listen.ts';

/** What whoever reads the log of a server hears of clients that it refuses. */

let bed: Bed;
let served: Served;
beforeAll(async () => {
  bed = await openBed();
  // As operators run it: at its usual level, behind a proxy on this machine.
  served = await bed.serveIn({ SLIPWAY_LOG: 'info' }, '--rate', '1', '--trust-proxy', '127.0.0.1');
  await bed.write([['release_on', aFlag()]], 'create');
});
afterAll(async () => bed.stop());

const BULK = 'POST /ofrep/v1/evaluate/flags';
const ask = (token: string | undefined, from: string, what = BULK) =>
  served.call(what, { ...(token === undefined ? {} : { token }), body: { context: {} }, headers: { 'x-forwarded-for': from } });
const linesOf = (reason: string): readonly Record<string, unknown>[] =>
  served.log.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['reason'] === reason);
const idOf = (token: string): string => readToken(token)?.id ?? '';

it('a client that is refused is named with its token, its reason and its address, at the usual level, once for many times', async () => {
  const [lost, evaluates, used] = [await bed.token(['client-evaluate']), await bed.token(['client-evaluate']), await bed.token(['write'])];
  await revokeToken(bed.store, idOf(lost), { actor: 'ann', reason: 'lost' });
  for (let times = 0; times < 5; times++) expect((await ask(lost, '203.0.113.1')).status).toBe(401);
  expect((await ask(evaluates, '203.0.113.2', 'POST /api/v1/flags')).status).toBe(403);
  const forged = `${evaluates.slice(0, -1)}${evaluates.endsWith('0') ? '1' : '0'}`;
  expect((await ask(forged, '203.0.113.3')).status).toBe(401);
  expect((await ask('slp_nothing', '203.0.113.4')).status).toBe(401);
  expect((await ask(undefined, '203.0.113.5')).status).toBe(401);
  expect((await listen(`${served.base}/ofrep/v1/stream?token=made-up`, { 'x-forwarded-for': '203.0.113.6' })).status).toBe(401);
  await until(async () => (await served.call('GET /api/v1/flags', { token: used })).status === 429);
  const server = await bed.token(['server-evaluate']);
  expect((await served.call('GET /flags/v1/snapshot?environment=prd', { token: server })).status).toBe(403);
  await until(() => linesOf('environment').length > 0);
  const named = (token: string, address: string) => ({
    level: 'warn',
    token: idOf(token),
    description: 'test',
    environment: 'dev',
    address,
  });
  expect(linesOf('revoked')).toEqual([expect.objectContaining({ ...named(lost, '203.0.113.1'), status: 401, count: 1 })]);
  expect(linesOf('scope')).toMatchObject([{ ...named(evaluates, '203.0.113.2'), status: 403, needs: 'write' }]);
  expect(linesOf('secret')).toMatchObject([named(evaluates, '203.0.113.3')]);
  expect(linesOf('malformed')).toMatchObject([{ address: '203.0.113.4' }]);
  expect(linesOf('no-token')).toMatchObject([{ address: '203.0.113.5' }]);
  expect(linesOf('stream')).toMatchObject([{ address: '203.0.113.6' }]);
  expect(linesOf('too-often')).toMatchObject([{ ...named(used, '127.0.0.1'), status: 429 }]);
  expect(linesOf('environment')).toMatchObject([{ ...named(server, '127.0.0.1'), status: 403, wanted: 'prd' }]);
  expect(await served.stop()).toBe(0);
  expect(linesOf('revoked').map(({ count }) => count)).toEqual([1, 4]);
  for (const secret of [lost, evaluates, forged, used, server, 'made-up']) expect(served.log.join('\n')).not.toContain(secret);
});

it('behind a proxy that is named wrong tokens are counted for who brings them, and a client that is behind is named', async () => {
  const one = await bed.serveIn({}, '--trust-proxy', '127.0.0.0/8');
  const wrong = `slp_${'0'.repeat(16)}_${'0'.repeat(64)}`;
  const bring = async (from: string): Promise<number> =>
    (await one.call('GET /api/v1/flags', { token: wrong, headers: { 'x-forwarded-for': from } })).status;
  // What stands first is what the client wrote himself, another one each time.
  const many = Array.from({ length: 200 }, (_, at) => bring(`198.51.100.${at}, 203.0.113.1`));
  const few = Array.from({ length: 20 }, () => bring('203.0.113.2'));
  expect([new Set(await Promise.all(many)), new Set(await Promise.all(few))]).toEqual([new Set([401, 429]), new Set([401])]);
  const token = await bed.token(['server-evaluate']);
  const heard = await listen(`${one.base}/flags/v1/stream?client=c1`, { 'x-api-key': token, 'x-forwarded-for': '203.0.113.7' });
  const behind = async () => (await bed.store.telemetry.reach('dev')).flatMap(({ stale }) => stale);
  await until(() => heard.events.length > 0);
  await bed.write([['release_on', aFlag({ enabled: false })]], 'kill');
  await until(async () => (await behind()).length > 0);
  expect(await behind()).toMatchObject([{ client: 'c1', from: { address: '203.0.113.7' } }]);
  heard.close();
});

it.each(['proxy.example', '10.0.0.0/33', '0.0.0.0/0', '::/0', ''])(
  '--trust-proxy %j is refused before anything is begun',
  async (given) => {
    const { exit, err } = await bed.cli('serve', '--port', '0', '--trust-proxy', given);
    expect([exit, err]).toEqual([2, expect.stringContaining('is neither an address nor a network')]);
  },
);
