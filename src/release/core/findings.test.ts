import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../test/support/definition.ts';
import { aMigration, aPlanInput } from '../../../test/support/plan.ts';
import { findingsOf } from './findings.ts';

const { previous } = aPlanInput();
const { database, ...rest } = aDefinition();
const withoutBackup = {
  ...rest,
  database: database === null ? null : { ...database, backup: { ...database.backup, method: 'none' as const, reason: 'replicated' } },
};
const verdictOf = (...given: Parameters<typeof findingsOf>) => findingsOf(...given).find((one) => one.name === 'rollback class')?.verdict;

describe('the findings about the way back', () => {
  it('fails a migration that only a backup takes back when there will be none', () => {
    expect(verdictOf(withoutBackup, [aMigration('restore')], previous)).toBe('fail');
    expect(verdictOf(aDefinition(), [aMigration('restore')], previous)).toBe('pass');
    expect(verdictOf(withoutBackup, [aMigration('app')], previous)).toBe('pass');
  });

  it('asks for no backup where there is no version to go back to', () => {
    expect(verdictOf(withoutBackup, [aMigration('restore')], null)).toBe('pass');
  });
});
