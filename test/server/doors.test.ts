import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aFlag, openBed, type Answer, type Bed, type CallOptions, type Served } from './bed.ts';

/** What is the same whichever door somebody comes by: the API, or a command. */

let bed: Bed;
let served: Served;
let token: string;

beforeAll(async () => {
  bed = await openBed();
  served = await bed.serve();
  token = await bed.token(['write', 'kill']);
});
afterAll(async () => bed.stop());

const call = (what: string, options: CallOptions = {}): Promise<Answer> => served.call(what, { token, ...options });
const codeOf = ({ status, json }: Answer): readonly [number, unknown] => [status, (json['error'] as { readonly code?: string })?.code];

it('a kill by the API says which other flags that concerns, as the command does', async () => {
  expect((await call('POST /api/v1/flags', { body: { key: 'release_ground', flag: aFlag() } })).status).toBe(201);
  const needing = (variant: string) => aFlag({ prerequisites: [{ flag: 'release_ground', variants: [variant] }] });
  for (const [key, variant] of [
    ['release_above', 'on'],
    ['release_instead', 'off'],
  ] as const)
    expect((await call('POST /api/v1/flags', { body: { key, flag: needing(variant) } })).status).toBe(201);
  const killed = await call('POST /api/v1/flags/release_ground/kill', { body: { reason: 'it burns' } });
  const { dependants } = JSON.parse((await bed.cli('flag', 'kill', 'release_ground', '--reason', 'it burns', '--json')).out) as {
    readonly dependants: unknown;
  };
  expect(killed.json['dependants']).toEqual([
    { flag: 'release_above', isMet: false },
    { flag: 'release_instead', isMet: true },
  ]);
  expect(dependants).toEqual(killed.json['dependants']);
  // Neither takes it back without a reason.
  const undo = (reason: string) => call('POST /api/v1/flags/release_ground/undo', { body: { reason } });
  expect(codeOf(await undo(' '))).toEqual([400, 'usage']);
  expect((await bed.cli('flag', 'unkill', 'release_ground')).exit).toBe(2);
  expect((await undo('repaired')).json['flag']).toMatchObject({ enabled: true });
});

it('an environment in which each change needs a reason refuses those without one, by the API too', async () => {
  await bed.cli('flag', 'reasons', '-e', 'strict', '--required', '--reason', 'audit');
  const strict = await bed.token(['write'], 'strict');
  const made = { key: 'release_strict', flag: aFlag() };
  const any = { 'if-match': '*' };
  const doors: readonly (readonly [door: string, body: object])[] = [
    ['POST /api/v1/flags', made],
    ['PATCH /api/v1/flags/release_strict', { flag: { enabled: false } }],
    ['PUT /api/v1/segments/staff', { segment: { description: '', when: { attribute: 'staff', operator: 'exists' } } }],
  ];
  for (const [door, body] of doors) {
    const options = { token: strict, ...(door.startsWith('PATCH') ? { headers: any } : {}) };
    expect(codeOf(await served.call(door, { ...options, body })), door).toEqual([400, 'reason_missing']);
    expect((await served.call(door, { ...options, body: { ...body, reason: 'ticket 17' } })).status, door).toBeLessThan(300);
  }
  const gone = 'DELETE /api/v1/flags/release_strict';
  expect(codeOf(await served.call(gone, { token: strict, headers: any }))).toEqual([400, 'reason_missing']);
  expect((await served.call(`${gone}?reason=done`, { token: strict, headers: any })).status).toBe(200);
  const token = { scopes: ['client-evaluate'] };
  expect(codeOf(await served.call('POST /api/v1/tokens', { token: strict, body: token }))).toEqual([400, 'reason_missing']);
  const { json } = await served.call('POST /api/v1/tokens', { token: strict, body: { ...token, description: 'shop' } });
  const end = `DELETE /api/v1/tokens/${String(json['id'])}`;
  expect(codeOf(await served.call(end, { token: strict }))).toEqual([400, 'reason_missing']);
  expect((await served.call(`${end}?reason=lost`, { token: strict })).status).toBe(204);
  const { tokens } = (await served.call('GET /api/v1/tokens', { token: strict })).json as { readonly tokens: readonly object[] };
  expect(tokens).toContainEqual(
    expect.objectContaining({ id: json['id'], revokedBy: expect.stringMatching(/^test \(token /), revokeReason: 'lost' }),
  );
});

it('what the documentation makes by the API is made, and of what is not whole it is told how much is missing', async () => {
  const page = readFileSync(new URL('../../docs/flags/server.md', import.meta.url), 'utf8');
  const body = /\/api\/v1\/flags -d '(\{[^']*\})'/.exec(page)?.[1] ?? '';
  const made = await call('POST /api/v1/flags', { body });
  expect([made.status, made.json]).toMatchObject([201, { key: 'release_new-cart', flag: { rules: [{ name: 'staff' }] } }]);
  const { json } = await call('POST /api/v1/flags', { body: { key: 'release_bare', flag: {} } });
  expect(json['error']).toMatchObject({ message: expect.stringMatching(/^body\.flag\.type: .*; and 7 more$/) });
});
