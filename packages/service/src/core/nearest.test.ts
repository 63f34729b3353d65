import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

it.each([
  ['DATABSE_URL', 'DATABASE_URL'],
  ['DATABASE_ULR', 'DATABASE_URL'],
  ['database_url', 'DATABASE_URL'],
  ['PROT', 'PORT'],
])('%s was meant to be %s', (written, meant) => {
  expect(nearest(written, ['HOME', 'PORT', 'DATABASE_URL'])).toBe(meant);
});

it.each(['PATH', 'SHELL', 'TZ', '', 'DATABASE_POOL'])('%s is a word of its own', (name) => {
  expect(nearest(name, ['PORT', 'DATABASE_URL', 'XY'])).toBeNull();
});
