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
import { openBed, type Bed, type Served } from './bed.ts';

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

type Document = Readonly<Record<'paths', Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>>>;

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

/** What the router of the same build knows, as the document would write it. */
async function routes(): Promise<readonly string[]> {
  const log = (): void => undefined;
  const { flags, tokens, telemetry } = bed.store;
  const rate = { perSecond: 1, burst: 1 };
  const presence = { registered: Promise.resolve(), since: () => null };
  const snapshots = createSnapshots({ flags, clock: systemClock, log, presence, limitMs: 1, ended: () => undefined });
  const streams = createEventStreams({ most: 2, random: () => 0, log });
  const door = createTokenDoor({ tokens, clock: systemClock, log, rate });
  const redact = (text: string): string => text;
  const shared = { clock: systemClock, log, redact, snapshots, streams };
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
