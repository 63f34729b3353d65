import { describe, expect, it } from 'vitest';
import type { SurfaceAnswer } from '../../database/index.ts';
import { outcomeOfSurfaces } from './surfaces.ts';

const answer = (verdict: SurfaceAnswer['verdict']): SurfaceAnswer => ({
  file: `${verdict}.prisma`,
  kind: 'prisma',
  verdict,
  reason: `it is ${verdict}`,
  differences: [],
});

describe('files that follow the schema, as a step of a release', () => {
  it.each([
    [['pass', 'pass'], 'pass'],
    [['pass', 'fail', 'unknown'], 'fail'],
    [['pass', 'unknown'], 'unknown'],
    [[], 'unknown'],
  ] as const)('where they are required, %j is %s', (verdicts, verdict) => {
    expect(outcomeOfSurfaces(verdicts.map(answer), true)).toMatchObject({ verdict, checks: verdicts.map((one) => ({ verdict: one })) });
  });

  it('only tells what is out of step where they are not', () => {
    const { verdict, reason, facts, checks } = outcomeOfSurfaces([answer('pass'), answer('fail')], false);
    expect({ verdict, reason, checks }).toEqual({
      verdict: 'pass',
      reason: '1 of 2 files are not in step; fail.prisma: it is fail (not required)',
      checks: undefined,
    });
    expect(facts).toMatchObject({ surfaces: [{ verdict: 'pass' }, { verdict: 'fail' }] });
  });
});
