import { describe, expect, it } from 'vitest';
import { renderProof } from '../../src/cli/output/proof.ts';
import { createStyle } from '../../src/cli/output/style.ts';
import type { CellProof, Proof } from '../../src/release/index.ts';

const SCHEMAS = ['old', 'expanded', 'backfilled', 'contracted'] as const;

/** A commit without migrations: every schema is the old one, on which the new version has no cell. */
function withoutMigrations(broken: CellProof['output']): Proof {
  const cell = (version: 'old' | 'new', schema: CellProof['schema']): CellProof => ({
    ...{ version, part: 'service', schema, required: schema !== 'contracted', runsOn: 'old', meaning: 'all users meet this' },
    verdict: version === 'old' ? 'pass' : 'fail',
    cause: version === 'old' ? '' : 'GET /users answered 500',
    ...{
      checks: [],
      statements: { asked: 0, recorded: 0, sampled: 0, plain: 0 },
      output: version === 'old' ? null : broken,
      durationMs: 0,
    },
  });
  const version = { version: '1.0.0', commit: null, told: 'here' };
  const cells = [...SCHEMAS.map((schema) => cell('old', schema)), ...SCHEMAS.slice(1).map((schema) => cell('new', schema))];
  const schemas = SCHEMAS.map((schema) => ({ schema, reason: '' }));
  return { verdict: 'fail', old: version, new: version, schemas, cells, remarks: [], removed: [], kept: [] } as unknown as Proof;
}

describe('the matrix for people', () => {
  it('shows a version that fails where nothing is pending, why, and the line that says so', () => {
    const output = { of: 'web#0', lines: ['listening', 'error: column "emailx" does not exist', 'Node.js v24'] };
    const terminal = { style: createStyle(false), width: 100 } as Parameters<typeof renderProof>[2];
    const shown = renderProof(withoutMigrations(output), { file: 'proof.json', sha256: 'abc' }, terminal);
    expect(shown).toMatch(/old service +✓ PASS +=\s*old +=\s*old +=\s*old/);
    expect(shown).toMatch(/new service +- +✗ FAIL +=\s*expanded +=\s*expanded/);
    expect(shown).toContain('new service on expanded');
    expect(shown).toContain('GET /users answered 500');
    expect(shown).toContain('web#0 printed: error: column "emailx" does not exist');
    expect(shown.match(/GET \/users answered 500/g)).toHaveLength(1);
  });
});
