import { expect, it } from 'vitest';
import { whatToTidy, type Leftovers } from './retention.ts';

const DAY = 86_400_000;
const NOW = 100 * DAY;
const left = (release: string, daysAgo: number, backup: string | null): Leftovers => ({ release, finishedAt: NOW - daysAgo * DAY, backup });

it('copies in the server stay for the release that ended and the one it replaced', () => {
  const all = [left('c', 0, 'template'), left('b', 1, 'template'), left('a', 2, 'template')];
  expect(whatToTidy(all, new Set(['c', 'b']), NOW).backups).toEqual(['a']);
});

it('files stay for 30 days, and of the five newest backups for ever', () => {
  const files = [0, 40, 50, 60, 70, 80, 90].map((days) => left(`f${days}`, days, days === 60 ? 'command' : 'pg_dump'));
  expect(whatToTidy(files, new Set(['f0']), NOW).backups).toEqual(['f80', 'f90']);
  const young = files.map((one, index) => ({ ...one, finishedAt: NOW - index * DAY }));
  expect(whatToTidy(young, new Set(), NOW).backups).toEqual([]);
  expect(whatToTidy(files, new Set(['f90']), NOW).backups).toEqual(['f80']);
});

it('a database renamed away is evidence for 14 days, whatever became of its backup', () => {
  const all = [left('new', 14, 'pg_dump'), left('old', 15, null)];
  expect(whatToTidy(all, new Set(), NOW).failed).toEqual(['old']);
});
