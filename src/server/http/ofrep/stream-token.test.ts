import { expect, test } from 'vitest';
import { streamTokens } from './stream-token.ts';

const HALF_HOUR = 30 * 60_000;
const KEY = { id: '0123456789abcdef', secretSha256: 'ab'.repeat(32) };
const NOW = 1_000_000 * HALF_HOUR;

test('a stream token is good from half an hour to an hour, and the same all the while', () => {
  const text = streamTokens.make(KEY, NOW);
  expect(streamTokens.make(KEY, NOW + HALF_HOUR - 1)).toBe(text);
  expect(streamTokens.make(KEY, NOW + HALF_HOUR)).not.toBe(text);
  expect(streamTokens.read(text, NOW + 2 * HALF_HOUR - 1)?.isFrom(KEY)).toBe(true);
  expect(streamTokens.read(text, NOW + 2 * HALF_HOUR)).toBeNull();
});

test('a token whose secret is another one has another text, although it was made a moment ago', () => {
  const text = streamTokens.make(KEY, NOW);
  const other = { ...KEY, secretSha256: 'cd'.repeat(32) };
  expect(streamTokens.read(streamTokens.make(other, NOW), NOW)?.isFrom(other)).toBe(true);
  expect(streamTokens.make(KEY, NOW)).toBe(text);
});

test('it names whose it is and holds nothing of the secret', () => {
  const text = streamTokens.make(KEY, NOW);
  expect(streamTokens.read(text, NOW)?.id).toBe(KEY.id);
  expect(text).not.toContain(KEY.secretSha256);
});

test('nobody makes one without the digest, nor of another token, nor a longer one', () => {
  const text = streamTokens.make(KEY, NOW);
  const [id, epoch, signature] = text.split('.');
  expect(streamTokens.read(text, NOW)?.isFrom({ ...KEY, secretSha256: 'ac'.repeat(32) })).toBe(false);
  expect(streamTokens.read(`fedcba9876543210.${epoch}.${signature}`, NOW)?.isFrom({ ...KEY, id: 'fedcba9876543210' })).toBe(false);
  expect(streamTokens.read(`${id}.${Number(epoch) + 1}.${signature}`, NOW)?.isFrom(KEY)).toBe(false);
  for (const odd of [
    '',
    'x',
    `${text}x`,
    text.slice(0, -1),
    text.replace('.', ''),
    `${id}.1e9.${signature}`,
    `${id}.99999999999999.${signature}`,
  ])
    expect(streamTokens.read(odd, NOW), odd).toBeNull();
});
