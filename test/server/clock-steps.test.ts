import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient, type FlagsClient } from '../../packages/flags/src/node.ts';
import { awaitDelivery, createToken, loadOrCreateSigner, type FlagTelemetry } from '../../src/flags/index.ts';
import { systemClock, systemIds, type Clock, type Duration } from '../../src/kernel/index.ts';
import { flagStream, serveHttp } from '../../src/server/index.ts';
import { aFlag, openBed, until, type Bed } from './bed.ts';
import { listen, type Heard } from './listen.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Somebody sets the clock of the machine: time goes on from there, and what only counts on does not notice. */
let shift: Duration = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + shift };

let bed: Bed;
let base: string;
let client: FlagsClient;
let streams: readonly Heard[];
let tokens: Readonly<Record<'all' | 'soon', string>>;
let said: string[];
/** How often the process has said that it is there. */
let registrations = 0;
const stopping = new AbortController();
let served: Promise<void>;
const keys = mkdtempSync(path.join(tmpdir(), 'slw-steps-'));

beforeAll(async () => {
  bed = await openBed();
  await bed.write([['release_on', aFlag({ stale: { afterMs: MINUTE_MS } })]], 'create');
  said = [];
  const present: FlagTelemetry['present'] = async (server) => {
    const answer = await bed.store.telemetry.present(server);
    registrations += 1;
    return answer;
  };
  const signer = loadOrCreateSigner(keys);
  const { flags, tokens: tokenStore, telemetry } = bed.store;
  const parts = { flags, tokens: tokenStore, telemetry: { ...telemetry, present }, clock, ids: systemIds, random: Math.random };
  const asked = { host: '127.0.0.1', port: 0, origins: [], proxies: [], rate: { perSecond: 1_000, burst: 2_000 }, mostStreams: 100 };
  base = await new Promise<string>((resolve, reject) => {
    served = serveHttp(
      {
        ...parts,
        ...asked,
        limitMs: HOUR_MS,
        version: '0',
        keys: signer.keys,
        mounts: [flagStream(signer)],
        redact: (text) => text,
        log: (level, message) => void said.push(`${level} ${message}`),
      },
      stopping.signal,
      ({ port }) => resolve(`http://127.0.0.1:${port}`),
    );
    served.catch(reject);
  });
  const expiresAt = systemClock.now() + HOUR_MS / 2;
  const soon = { environment: 'dev', scopes: ['client-evaluate'], description: 'soon', actor: 'ann', expiresAt } as const;
  tokens = {
    all: await bed.token(['client-evaluate', 'server-evaluate']),
    soon: (await createToken({ ...bed.store, ids: systemIds }, soon)).text,
  };
  client = createClient({ url: base, token: tokens.all, initTimeoutMs: 20_000, log: () => undefined });
  await until(() => client.boolean('release_on', {}, false));
  const { json } = await evaluate(tokens.all);
  const [stream] = (json as { readonly eventStreams: readonly { readonly endpoint: { readonly requestUri: string } }[] }).eventStreams;
  streams = [
    await listen(`${base}${stream?.endpoint.requestUri ?? ''}`),
    await listen(`${base}/flags/v1/stream?client=steady`, { 'x-api-key': tokens.all }),
  ];
});
afterAll(async () => {
  streams.forEach((one) => one.close());
  await client.close();
  stopping.abort();
  await served;
  await bed.stop();
  rmSync(keys, { recursive: true, force: true });
});

async function evaluate(token: string) {
  const body = '{"context":{}}';
  const answer = await fetch(`${base}/ofrep/v1/evaluate/flags`, { method: 'POST', headers: { 'x-api-key': token }, body });
  return { status: answer.status, behind: answer.headers.get('slipway-behind-ms'), json: await answer.json() };
}

it.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
  ['back once more', -HOUR_MS],
  ['forward to where it was', HOUR_MS],
])('a clock that is set %s under a server changes nothing: tokens, streams, what is stale', async (_, by) => {
  shift += by;
  // Long enough that all that is done every few seconds was done, and done again.
  const enough = registrations + 3;
  await until(async () => {
    for (const token of [tokens.all, tokens.soon]) expect(await evaluate(token)).toMatchObject({ status: 200, behind: null });
    expect([client.boolean('release_on', {}, false), client.status().state, client.status().staleForMs]).toEqual([true, 'READY', 0]);
    return registrations >= enough;
  });
  expect(streams.map((one) => [one.status, one.ended()])).toEqual([
    [200, false],
    [200, false],
  ]);
  expect(streams.flatMap(({ events }) => events.map(({ event }) => event))).not.toContain('away');
  expect(said.filter((line) => line.startsWith('warn') || line.startsWith('error'))).toEqual([]);
});

it('a kill after it is complete in its time, and says how long it took', async () => {
  shift += HOUR_MS;
  streams[1]?.close();
  await until(async () => (await bed.store.telemetry.reach('dev'))[0]?.connected === 1);
  const change = await bed.write([['release_on', aFlag({ enabled: false })]], 'kill');
  shift -= 2 * HOUR_MS;
  const reached = await awaitDelivery({ telemetry: bed.store.telemetry, clock }, change, 20_000, new AbortController().signal);
  expect(reached).toMatchObject({ servers: 1, connected: 1, acknowledged: 1, complete: true });
  expect(reached.lastMs).toBeGreaterThanOrEqual(0);
  expect(reached.lastMs).toBeLessThan(MINUTE_MS);
  expect(client.boolean('release_on', {}, true)).toBe(false);
});
