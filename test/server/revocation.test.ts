import { afterAll, beforeAll, expect, it } from 'vitest';
import { aFlag, openBed, until, type Bed, type Served } from './bed.ts';
import { listen, type Heard } from './listen.ts';

let bed: Bed;
let servers: readonly Served[];
/** Stays good all the time: what becomes of a token that is revoked does not become of others. */
let other: string;
beforeAll(async () => {
  bed = await openBed();
  await bed.write([['release_on', aFlag()]], 'create');
  servers = await Promise.all([bed.serve(), bed.serve()]);
  other = await bed.token(['client-evaluate', 'server-evaluate']);
});
afterAll(() => bed.stop());

const BULK = 'POST /ofrep/v1/evaluate/flags';
/** Each way to ask each process. */
const asks = (token: string): readonly (() => Promise<number>)[] =>
  servers.flatMap((one) => [
    () => one.call(BULK, { token, body: { context: {} } }).then(({ status }) => status),
    () => one.call('GET /flags/v1/snapshot', { token }).then(({ status }) => status),
  ]);
const statuses = (token: string): Promise<readonly number[]> => Promise.all(asks(token).map((ask) => ask()));

/** Both kinds of streams of a token, at each process. */
async function streamsOf(token: string): Promise<readonly Heard[]> {
  const opened = servers.map(async ({ base, call }) => {
    const { json } = await call(BULK, { token, body: { context: {} } });
    const [values] = json['eventStreams'] as readonly { readonly endpoint: { readonly requestUri: string } }[];
    const rules = await listen(`${base}/flags/v1/stream`, { authorization: `Bearer ${token}` });
    return [await listen(`${base}${values?.endpoint.requestUri ?? ''}`), rules];
  });
  const all = (await Promise.all(opened)).flat();
  expect(all.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  return all;
}

const revoke = (token: string): Promise<boolean> => bed.store.tokens.revoke(token.split('_')[1] ?? '', { actor: 'ann', reason: '' });

async function expectRevoked(token: string, streams: readonly Heard[]): Promise<void> {
  // Each until it refuses, and no longer: who goes on with a wrong token is told 429 after a while.
  for (const ask of asks(token)) {
    let status = 200;
    await until(async () => (status = await ask()) !== 200);
    expect(status).toBe(401);
  }
  await until(() => streams.every((stream) => stream.ended()));
}

it('a token that was revoked is refused by every server process, and its streams end; those of others do not', async () => {
  const token = await bed.token(['client-evaluate', 'server-evaluate']);
  const [mine, theirs] = [await streamsOf(token), await streamsOf(other)];
  expect(await statuses(token)).toEqual([200, 200, 200, 200]);
  await revoke(token);
  await expectRevoked(token, mine);
  expect(await statuses(other)).toEqual([200, 200, 200, 200]);
  expect(theirs.map((stream) => stream.ended())).toEqual([false, false, false, false]);
  theirs.forEach((stream) => stream.close());
});

it.each([
  ['out of reach', () => bed.cut(), () => bed.mend()],
  ['silent', () => bed.freeze(), () => bed.thaw()],
] as const)('a token that is revoked while the store is %s goes on until it is there again, and no longer', async (_how, away, back) => {
  const token = await bed.token(['client-evaluate', 'server-evaluate']);
  const mine = await streamsOf(token);
  away();
  await revoke(token);
  await until(async () => (await servers[0]?.call(BULK, { token, body: { context: {} } }))?.headers.get('slipway-behind-ms') !== null);
  // Nobody can say anything else of it.
  expect(await statuses(token)).toEqual([200, 200, 200, 200]);
  expect(mine.map((stream) => stream.ended())).toEqual([false, false, false, false]);
  back();
  await expectRevoked(token, mine);
  expect(await statuses(other)).toEqual([200, 200, 200, 200]);
});
