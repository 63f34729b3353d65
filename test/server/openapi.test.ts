import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadOrCreateSigner } from '../../src/flags/index.ts';
import { flagStream } from '../../src/server/index.ts';
import { createApp } from '../../src/server/http/app.ts';
import { startCounts } from '../../src/server/http/counts.ts';
import { createEventStreams } from '../../src/server/http/event-streams.ts';
import { systemClock, systemIds } from '../../src/kernel/index.ts';
import { createSnapshots } from '../../src/server/http/snapshots.ts';
import { createTokenDoor } from '../../src/server/http/token/door.ts';
import { aFlag, openBed, type Answer, type Bed, type CallOptions, type Served } from './bed.ts';

let bed: Bed;
let served: Served;
const keys = mkdtempSync(path.join(tmpdir(), 'slw-keys-'));

beforeAll(async () => {
  bed = await openBed();
  served = await bed.serve();
});
afterAll(async () => {
  await bed.stop();
  rmSync(keys, { recursive: true, force: true });
});

interface Described {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}
type Document = Readonly<Record<'paths', Readonly<Record<string, Readonly<Record<string, Described>>>>>>;

async function document(): Promise<Document> {
  return (await served.call('GET /openapi.json')).json as unknown as Document;
}

it('is a valid OpenAPI 3.1 document', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(await document());
  expect({ valid, errors, version: validator.version }).toEqual({ valid: true, errors: undefined, version: '3.1' });
});

it('has every route there is, and no other', async () => {
  const { paths } = await document();
  const told = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  expect(told.toSorted()).toEqual((await routes()).toSorted());
  expect(told.length).toBeGreaterThan(20);
});

it('names every operation once', async () => {
  const ids = Object.values((await document()).paths).flatMap((methods) => Object.values(methods).map((one) => one.operationId));
  expect(new Set(ids).size).toBe(ids.length);
});

/** Fails where the document says nothing of this status, or of a body of this type. */
async function expectDescribed(operation: string, { status, headers, text }: Answer): Promise<void> {
  const [method = '', path = ''] = operation.split(' ');
  const responses: Described['responses'] = (await document()).paths[path]?.[method.toLowerCase()]?.responses ?? {};
  expect(Object.keys(responses), operation).toContain(String(status));
  const type = headers.get('content-type')?.split(';')[0];
  const types = Object.keys(responses[status]?.content ?? {});
  expect(types, `${operation} ${status}`).toEqual(text === '' ? [] : [type]);
}

it('has what the server refuses, and how', async () => {
  const token = await bed.token(['write', 'kill', 'client-evaluate', 'server-evaluate']);
  const reader = await bed.token(['client-evaluate']);
  const [MAKE, PATCH, KILL] = ['POST /api/v1/flags', 'PATCH /api/v1/flags/{key}', 'POST /api/v1/flags/{key}/kill'] as const;
  const [SINGLE, BULK] = ['POST /ofrep/v1/evaluate/flags/{key}', 'POST /ofrep/v1/evaluate/flags'] as const;
  const large = JSON.stringify({ context: { much: 'x'.repeat(2 * 1024 * 1024) } });
  const any = { 'if-match': '*' };
  /** In their order: what is asked, how it is answered, and with what. */
  const asked: readonly (readonly [operation: string, status: number, options?: CallOptions, target?: string])[] = [
    [MAKE, 201, { body: { key: 'release_told', flag: aFlag() } }],
    [MAKE, 400, { body: '{' }],
    [MAKE, 401, { token: 'none', body: {} }],
    [MAKE, 403, { token: reader, body: {} }],
    [MAKE, 409, { body: { key: 'release_told', flag: aFlag() } }],
    [MAKE, 413, { body: large }],
    [MAKE, 422, { body: { key: 'nothing', flag: aFlag() } }],
    [PATCH, 404, { body: { flag: {} }, headers: any }, 'PATCH /api/v1/flags/release_none'],
    [PATCH, 428, { body: { flag: {} } }],
    [SINGLE, 404, { body: { context: {} } }, 'POST /ofrep/v1/evaluate/flags/release_none'],
    [SINGLE, 413, { body: large }],
    [BULK, 200, { body: { context: {} } }],
    [BULK, 400, { body: {} }],
    [KILL, 200, { body: { reason: 'it burns' } }],
    [KILL, 400, { body: { reason: 'a\0b' } }],
    [PATCH, 409, { body: { flag: { enabled: true } }, headers: any }],
    ['DELETE /api/v1/flags/{key}', 200, { headers: any }],
    ['GET /api/v1/flags/{key}/history', 400, {}, 'GET /api/v1/flags/%00/history'],
    ['POST /flags/v1/acknowledge', 409, { body: { client: 'ahead', seq: 1_000_000 } }],
    ['POST /flags/v1/telemetry', 413, { body: large }],
    ['GET /flags/v1/stream', 400, {}, 'GET /flags/v1/stream?client=%00'],
    ['GET /ofrep/v1/stream', 401, {}, 'GET /ofrep/v1/stream?token=none'],
    ['GET /metrics', 200],
  ];
  for (const [operation, status, options = {}, target = operation.replace('{key}', 'release_told')] of asked) {
    const answer = await served.call(target, { token, ...options });
    expect([target, answer.status], answer.text).toEqual([target, status]);
    await expectDescribed(operation, answer);
  }
});

/** What the router of the same build knows, as the document would write it. */
async function routes(): Promise<readonly string[]> {
  const log = (): void => undefined;
  const { flags, tokens, telemetry } = bed.store;
  const rate = { perSecond: 1, burst: 1 };
  const presence = { registered: Promise.resolve(), since: () => null };
  const snapshots = createSnapshots({ flags, clock: systemClock, log, presence, limitMs: 1, ended: () => undefined });
  const streams = createEventStreams({ most: 2, random: () => 0, log });
  const [addressOf, refusals] = [() => '', { note: log }];
  const door = createTokenDoor({ tokens, clock: systemClock, log, rate, addressOf, refusals });
  const redact = (text: string): string => text;
  const shared = { clock: systemClock, log, redact, snapshots, streams, addressOf, refusals };
  const serving = {
    ...shared,
    flags,
    telemetry,
    ids: systemIds,
    random: () => 0,
    process: 'test',
    counts: startCounts({ clock: systemClock, log, telemetry }),
    allow: door.allow,
    stillAllowed: () => Promise.resolve(true),
  };
  const parts = [flagStream(loadOrCreateSigner(keys))(serving)];
  const { app, close } = createApp({ ...shared, version: '0', tokens, origins: ['*'], serving, door, parts, isStopping: () => false });
  close();
  snapshots.close();
  for (const part of parts) await part.close();
  const found = app.routes.filter(({ method }) => method !== 'ALL');
  return [...new Set(found.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`))];
}
