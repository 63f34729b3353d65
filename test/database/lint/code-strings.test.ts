import { expect, test } from 'vitest';
import { CODE_DIALECTS, codeSql } from '../../../src/database/core/lint/code-sql.ts';

const read = (call: string): { readonly text: string; readonly gaps: readonly string[] } => {
  const { text, gaps } = codeSql(call, CODE_DIALECTS.typeorm, 0, call.length);
  return { text: text.trim().replace(/ +/g, ' '), gaps: gaps.map(({ message }) => message) };
};

test('strings that are joined are one SQL', () => {
  expect(read(`runner.query('ALTER TABLE t ' +\n 'ADD x int' + ", ADD y int"); runner.query('SELECT 1')`)).toEqual({
    text: 'ALTER TABLE t \n ADD x int , ADD y int; SELECT 1;',
    gaps: [],
  });
});

test.each([
  `runner.query('ALTER TABLE ' + prefix + 'orders DROP x')`,
  `runner.query('ALTER TABLE orders' + suffix)`,
  // Put together without a blank, they are another name.
  `runner.query('DROP TABLE orders' + '_old')`,
  "runner.query('DROP TABLE ' + `${table}`)",
])('of what the code puts together nothing is taken for SQL: %s', (call) => {
  expect(read(call)).toEqual({ text: '', gaps: ['this SQL is put together by the code, so it was not judged'] });
});
