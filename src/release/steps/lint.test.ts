import { describe, expect, it } from 'vitest';
import type { LintedFile } from '../../database/index.ts';
import { outcomeOfLint } from './lint.ts';

type Found = LintedFile['findings'][number];

const found = (rest: Partial<Found>): Found => ({
  file: 'a.sql',
  rule: 'create-index',
  category: 'locks',
  severity: 'error',
  certainty: 'known',
  message: 'writers wait',
  why: 'users wait',
  fix: 'build it CONCURRENTLY',
  relation: null,
  line: 2,
  column: 1,
  allowed: null,
  ...rest,
});
const file = (name: string, verdict: LintedFile['verdict'], findings: readonly Found[] = []): LintedFile => ({
  name,
  direction: 'up',
  verdict,
  findings,
  claims: [],
  text: '',
});

describe('pending migrations, judged as a step of a release', () => {
  it('pass where each does, and where none is left to apply', () => {
    expect(outcomeOfLint([])).toMatchObject({ verdict: 'pass' });
    expect(outcomeOfLint([file('a.sql', 'pass'), file('b.sql', 'pass', [found({ severity: 'warning' })])])).toMatchObject({
      verdict: 'pass',
      checks: [{ verdict: 'pass' }, { verdict: 'pass' }],
    });
  });

  it('fail by the worst, with its place and what to do: not by what somebody said is known', () => {
    const known = found({ line: 1, allowed: 'an empty table' });
    const files = [
      file('a.sql', 'unknown', [found({ certainty: 'unknown' })]),
      file('b.sql', 'fail', [known, found({ line: 5, certainty: 'unknown' }), found({ line: 7 })]),
    ];
    const { verdict, reason, checks, facts } = outcomeOfLint(files);
    expect({ verdict, reason }).toEqual({
      verdict: 'fail',
      reason: '2 of 2 pending migrations are not known to be safe; b.sql:7 create-index: writers wait',
    });
    expect(checks?.map((one) => [one.name, one.verdict, 'fix' in one ? one.fix : null])).toEqual([
      ['a.sql', 'unknown', 'build it CONCURRENTLY'],
      ['b.sql', 'fail', 'build it CONCURRENTLY'],
    ]);
    expect(facts).toMatchObject({ findings: [{ name: 'a.sql', rules: ['create-index'] }, { name: 'b.sql' }] });
  });

  it('are unknown where one cannot be judged', () => {
    expect(
      outcomeOfLint([file('a.sql', 'pass'), file('b.sql', 'unknown', [found({ rule: 'not-sql', certainty: 'unknown' })])]),
    ).toMatchObject({
      verdict: 'unknown',
      reason: '1 of 2 pending migrations are not known to be safe; b.sql:2 not-sql: writers wait',
    });
  });
});
