import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FORMS } from '../../../scripts/lock-table/forms.ts';
import { isRuleId } from '../../../src/database/core/lint/rules.ts';
import { judge } from './support.ts';

/** Statements of every kind that is measured, some that are not, and comments between them. */
const STATEMENTS = [
  ...Object.values(FORMS).flatMap(({ sql, before }) => (before === undefined ? [sql] : [before, sql])),
  ...[
    'BEGIN',
    'COMMIT',
    'ROLLBACK',
    'SAVEPOINT a',
    `SET lock_timeout = '1s'`,
    'SET LOCAL statement_timeout = 0',
    `SELECT set_config('lock_timeout', '', true)`,
  ],
  ...[
    `DO $$ BEGIN UPDATE target SET b = 1; EXECUTE 'DROP INDEX an_index'; END $$`,
    `DO 'no plpgsql at all'`,
    'LOCK TABLE target, referenced IN SHARE MODE',
  ],
  ...[
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ DELETE FROM target; SELECT 1 $$',
    'SELECT f()',
    'CALL g()',
    'NOTIFY x',
    'EXPLAIN SELECT 1',
  ],
  ...[
    'ALTER TYPE mood ADD VALUE $$ä$$',
    'CREATE TYPE mood AS ENUM ()',
    'DROP SCHEMA a, b CASCADE',
    'DROP FUNCTION f(int)',
    'COPY target FROM PROGRAM $$x$$',
  ],
  ...[
    'ALTER TABLE IF EXISTS target ADD IF NOT EXISTS x "char"[3], DROP IF EXISTS y',
    'ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b',
    'TRUNCATE target, referenced',
  ],
  ...[
    'ALTER TABLE target ALTER COLUMN t TYPE numeric(1) USING (1 + 1)',
    'ALTER TABLE target RENAME b TO t',
    'CREATE TABLE y OF mood',
    'SELECT 1 INTO z',
    'VACUUM',
  ],
];
const COMMENTS = ['-- slipway: allow create-index because "x"', '-- slipway: allow', '/* ü \n */', '-- 🦭', ''];

const text = fc
  .array(fc.tuple(fc.constantFrom(...COMMENTS), fc.constantFrom(...STATEMENTS)), { minLength: 1, maxLength: 12 })
  .map((list) => list.map(([comment, sql]) => `${comment}\n${sql}`).join(';\n'));
const setting = fc.record({
  version: fc.integer({ min: 9, max: 30 }),
  transactions: fc.constantFrom('file', 'string', 'statement', 'auto' as const),
  limited: fc.boolean(),
});

describe('whatever parses', () => {
  test.each([
    ['nested', `ALTER TABLE target ADD CHECK (${'(a IS NOT NULL AND '.repeat(1500)}true${' OR b > 0)'.repeat(1500)})`],
    [
      'long',
      `UPDATE target SET b = ${Array.from({ length: 5000 }, () => '1').join(' + ')} WHERE ${Array.from({ length: 5000 }, () => 'a = 1').join(' AND ')}`,
    ],
    ['large', `INSERT INTO target (id) VALUES ${Array.from({ length: 50_000 }, (_, index) => `(${index})`).join(', ')}`],
  ])('a %s statement is judged', async (_, sql) => {
    expect((await judge(sql)).verdict).toMatch(/pass|fail|unknown/);
  });

  test('is judged: nothing throws, every finding is whole and stands in the file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 3 }), setting, async (files, given) => {
        const { findings, verdict, claims } = await judge(files, given);
        const lines = (files.at(-1) ?? '').split('\n');
        for (const one of findings) {
          expect(isRuleId(one.rule)).toBe(true);
          expect(one.line >= 1 && one.line <= lines.length, `${one.rule} at line ${one.line}`).toBe(true);
          expect(
            one.column >= 1 && one.column <= Array.from(lines[one.line - 1] ?? '').length + 1,
            `${one.rule} at column ${one.column}`,
          ).toBe(true);
          expect(one.message).not.toMatch(/\bundefined\b|\bnull\b|\[object/);
        }
        const blocks = findings.some(
          ({ severity, certainty, allowed }) => severity === 'error' && certainty === 'known' && allowed === null,
        );
        expect(verdict === 'fail').toBe(blocks);
        for (const { locks } of claims) for (const { relation } of locks) expect(relation).not.toBe('');
      }),
      { numRuns: 150 },
    );
  });
});
