import { beforeEach, expect, test } from 'vitest';
import type { Token } from '../../../flags/index.ts';
import { SlipwayError, type Clock } from '../../../kernel/index.ts';
import { createKnownTokens, FRESH_MS, type KnownTokens } from './known.ts';

const TOKEN: Token = {
  id: 'a',
  environment: 'dev',
  scopes: ['write'],
  description: '',
  createdBy: 'ann',
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  revokedBy: null,
  revokeReason: null,
  lastUsedAt: null,
};

let now = 0;
let asked = 0;
/** What the store says when it is asked; null: it is away, and lets who asks wait. */
let store: { readonly revokedAt: number | null } | 'none' | null = { revokedAt: null };
let known: KnownTokens;

/** Sleeping is over at once: the store never answers later than its patience here. */
let waits = 0;
const clock: Clock = {
  now: () => now,
  monotonic: () => now,
  sleep: () => {
    waits += 1;
    return new Promise((resolve) => setImmediate(resolve));
  },
};

beforeEach(() => {
  [now, asked, store] = [0, 0, { revokedAt: null }];
  known = createKnownTokens(
    {
      findAll: (ids) => {
        asked += 1;
        if (store === null) return new Promise(() => undefined);
        const found = { token: { ...TOKEN, ...(store === 'none' ? {} : store) }, secretSha256: 'digest' };
        const there = store === 'none' ? [] : ids.filter((id) => !id.startsWith('made up'));
        return Promise.resolve(new Map(there.map((id) => [id, found])));
      },
    },
    clock,
    () => undefined,
  );
});

test('the store is asked once, also by many at once, and again when what is known is no longer fresh', async () => {
  await Promise.all(Array.from({ length: 20 }, () => known.find('a')));
  expect(known.fresh('a')).toMatchObject({ secretSha256: 'digest' });
  await known.find('a');
  expect(asked).toBe(1);
  now = FRESH_MS + 1;
  expect(known.fresh('a')).toBeUndefined();
  await known.find('a');
  expect(asked).toBe(2);
});

test('a revoked token is known as that once the time of freshness is over', async () => {
  await known.find('a');
  store = { revokedAt: 1 };
  now = FRESH_MS + 1;
  expect((await known.find('a'))?.token.revokedAt).toBe(1);
});

test('who is not there is remembered, so that made-up tokens do not ask the store again and again', async () => {
  store = 'none';
  expect([await known.find('b'), await known.find('b'), known.fresh('b')]).toEqual([null, null, null]);
  expect(asked).toBe(1);
});

test('while the store is away a token goes on for an hour, and no longer', async () => {
  await known.find('a');
  store = null;
  now = 59 * 60_000;
  expect(await known.find('a')).toMatchObject({ secretSha256: 'digest' });
  now = 61 * 60_000;
  await expect(known.find('a')).rejects.toThrow(SlipwayError);
});

test('a token that was never seen cannot be judged while the store is away: that is not the fault of its holder', async () => {
  store = null;
  await expect(known.find('new')).rejects.toMatchObject({ code: 'store_unreachable' });
});

test('while the store does not answer one request waits for it, and not each', async () => {
  await known.find('a');
  store = null;
  now = FRESH_MS + 1;
  await known.find('a');
  const waited = waits;
  for (let times = 0; times < 5; times++) expect(await known.find('a')).toMatchObject({ secretSha256: 'digest' });
  expect(waits).toBe(waited);
});

test('however many tokens are made up, the store is asked twice, a right one is found among them, and none is driven out', async () => {
  await known.find('a');
  const made = Array.from({ length: 20_000 }, (_, at) => known.find(`made up ${at}`));
  expect(await known.find('right')).toMatchObject({ secretSha256: 'digest' });
  expect(new Set(await Promise.all(made))).toEqual(new Set([null]));
  expect(asked).toBe(3);
  expect(known.fresh('a')).toMatchObject({ secretSha256: 'digest' });
});
