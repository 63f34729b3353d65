import { describe, expect, it } from 'vitest';
import type { CellProof } from '../prove/ports.ts';
import { outcomeOfProof } from './prove.ts';

const NO_STATEMENTS = { asked: 0, recorded: 0, sampled: 0, plain: 0 };

function cell(change: Partial<CellProof>): CellProof {
  const usual = { version: 'old', part: 'service', schema: 'old', runsOn: 'old', required: true, meaning: '' } as const;
  return {
    ...usual,
    verdict: 'pass',
    cause: '3 checks passed',
    checks: [],
    output: null,
    statements: NO_STATEMENTS,
    durationMs: 1,
    ...change,
  };
}
const outcome = (...cells: readonly CellProof[]) => outcomeOfProof({ id: 'p', cells }, 'd');

describe('a proof as a gate of a release', () => {
  it('passes when every cell passed that was run', () => {
    const same = cell({ schema: 'expanded', runsOn: 'old', verdict: 'unknown' });
    expect(outcome(cell({}), same)).toMatchObject({ verdict: 'pass', facts: { proof: 'p', sha256: 'd' } });
  });

  it('fails where the old version does not live with what is applied while it runs, although the matrix does not require that', () => {
    const bad = cell({ schema: 'contracted', runsOn: 'contracted', required: false, verdict: 'fail', cause: 'it said no' });
    expect(outcome(cell({}), bad)).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('old service on contracted: it said no') as string,
    });
  });

  it('is unknown where a cell could not be run, and where there is none', () => {
    const unclear = cell({ schema: 'expanded', runsOn: null, verdict: 'unknown', cause: 'mixed' });
    expect(outcome(cell({}), unclear)).toMatchObject({
      verdict: 'unknown',
      checks: [{ verdict: 'pass' }, { verdict: 'unknown', reason: 'mixed' }],
    });
    expect(outcome().verdict).toBe('unknown');
  });
});
