import { expect, it } from 'vitest';
import { systemIds } from '../../kernel/index.ts';
import { oldProofs, whatToTidy, type Leftovers } from './retention.ts';

const DAY = 86_400_000;
const NOW = 100 * DAY;
const NOW_IN_2026 = Date.UTC(2026, 10, 29);
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

it('proofs stay for 90 days, and the newest twenty for ever; folders of anybody else stay', () => {
  const id = (daysAgo: number): string => systemIds.release(NOW_IN_2026 - daysAgo * DAY);
  const old = Array.from({ length: 25 }, (_, index) => id(100 + index));
  const young = [id(1), id(89)];
  expect(oldProofs([...young, ...old, 'mine', 'X'.repeat(26)], NOW_IN_2026).toSorted()).toEqual(old.slice(18).toSorted());
  expect(oldProofs(old.slice(0, 20), NOW_IN_2026)).toEqual([]);
  expect(
    oldProofs(
      Array.from({ length: 40 }, (_, index) => id(index)),
      NOW_IN_2026,
    ),
  ).toEqual([]);
});
