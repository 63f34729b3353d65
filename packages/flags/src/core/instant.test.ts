import fc from 'fast-check';
import { expect, it } from 'vitest';
import { instantOf, parseInstant } from './instant.ts';

it('reads what Date writes', () => {
  const date = fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });
  fc.assert(fc.property(date, (some) => parseInstant(some.toISOString()) === some.getTime()));
});

it.each([
  ['2026-11-30T04:40Z', '2026-11-30T04:40:00.000Z'],
  ['2026-11-30T04:40:00.5+01:00', '2026-11-30T03:40:00.500Z'],
  ['2026-11-30T04:40:00.123999999-08:30', '2026-11-30T13:10:00.123Z'],
  ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59.000Z'],
])('%s is %s', (text, same) => {
  expect(new Date(parseInstant(text)).toISOString()).toBe(same);
});

it.each([
  '',
  '2026-11-30',
  '2026-11-30T04:40',
  '2026-11-30T04:40:00',
  '2026-11-30 04:40:00Z',
  '2026-11-30t04:40:00z',
  '2026-11-30T04:40:00.Z',
  '2026-11-30T04:40:00.1234567890Z',
  '2026-11-30T04:40:00Z ',
  '2026-11-30T04:40:00+0100',
  '2026-11-30T24:00:00Z',
  '2026-11-30T04:60:00Z',
  '2026-11-30T04:40:60Z',
  '2026-11-30T04:40:00+24:00',
  '2026-13-01T00:00Z',
  '2026-00-01T00:00Z',
  '2023-02-29T00:00Z',
  '1900-02-29T00:00Z',
  '2026-04-31T00:00Z',
  '+02026-11-30T04:40Z',
  'yesterday',
])('%j is no instant', (text) => {
  expect(parseInstant(text)).toBeNaN();
});

it.each([undefined, null, true, {}, [], Number.NaN, Infinity, new Date(Number.NaN), '5'])('%j in a context is no instant', (value) => {
  expect(instantOf(value)).toBeNaN();
});

it('takes milliseconds and dates of a context', () => {
  expect(instantOf(5)).toBe(5);
  expect(instantOf(new Date(5))).toBe(5);
});
