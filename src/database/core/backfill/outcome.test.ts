import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BEGINNING, endAfter, onward, type Walked } from './outcome.ts';

const WALKED: Walked = { wrong: 1, passed: 'no row is wrong: x', changed: 7, open: 1, aside: 0, idle: 0, stale: 0, holders: [] };

it.each<readonly [verdict: string, words: string, walked: Partial<Walked>]>([
  ['pass', 'no row is wrong: x', { wrong: 0, open: 0 }],
  ['pass', 'no row is wrong: x; `where` found no row to change', { wrong: 0, open: 0, changed: 0 }],
  ['pass', '`where` is still true of 1 row (held by process 7)', { wrong: 0, idle: 5, holders: ['process 7'] }],
  ['pass', '`where` is still true of 4 rows (new since the last walk began)', { wrong: 0, open: 4, stale: 3 }],
  ['fail', 'one of the two is not right', { wrong: 3, open: 0 }],
  ['fail', '2 rows are left, which are set aside', { wrong: 2, open: 0, aside: 2 }],
  ['unknown', '1 row that needs work is not changed in 5 walks, because others hold them: process 7', { idle: 5, holders: ['process 7'] }],
  ['unknown', 'prepared', { idle: 5, aside: 1 }],
  ['unknown', '4 rows that need work are new since the last walk began, and 3 walks did not make them fewer', { open: 4, stale: 3 }],
])('ends with %s: %s', (verdict, words, walked) => {
  const end = endAfter({ ...WALKED, ...walked });
  expect(end?.verdict).toBe(verdict);
  expect(end?.because).toContain(words);
  expect(end?.because.includes('does it say what was meant')).toBe(walked.changed === 0);
});

it('walks again while rows that are open become fewer, or may yet be let go', () => {
  expect(endAfter(WALKED)).toBeNull();
  expect(endAfter({ ...WALKED, aside: 3 })).toBeNull();
  expect(endAfter({ ...WALKED, idle: 4, stale: 2 })).toBeNull();
  expect(endAfter({ ...WALKED, wrong: 0 })).toBeNull();
});

it('ends whatever others do, and passes only when no row is wrong', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ changed: fc.nat(3), open: fc.integer({ min: 0, max: 9 }) }), { minLength: 200 }), (walks) => {
      let [course, ended]: [typeof BEGINNING, ReturnType<typeof endAfter>] = [BEGINNING, null];
      for (const walk of walks) {
        course = onward(course, walk);
        ended = endAfter({ ...WALKED, ...course, open: walk.open, wrong: walk.open });
        if (ended === null) continue;
        expect(ended.verdict === 'pass').toBe(walk.open === 0);
        return;
      }
      expect(ended).not.toBeNull();
    }),
  );
});
