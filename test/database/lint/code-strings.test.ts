import { expect, test } from 'vitest';
import { CODE_DIALECTS, codeSql } from '../../../src/database/core/lint/code-sql.ts';

const read = (call: string, tool: 'typeorm' | 'knex' = 'typeorm'): { readonly text: string; readonly gaps: readonly string[] } => {
  const { text, gaps } = codeSql(call, CODE_DIALECTS[tool], 0, call.length);
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

test('values that Knex puts in are not there to be judged', () => {
  const gaps = ['this SQL is put together by the code, so it was not judged'];
  expect(read(`await knex.raw('ALTER TABLE ?? SET (fillfactor = 90)', [table])`, 'knex')).toEqual({ text: '', gaps });
  expect(read(`await knex.raw('UPDATE t SET x = ?', 1)`, 'knex')).toEqual({ text: '', gaps });
  // Without values a question mark is an operator, and a comma may stand behind the last argument.
  expect(read("await knex.raw(`DELETE FROM t WHERE x ? 'a'`,\n)", 'knex')).toMatchObject({
    text: `DELETE FROM t WHERE x ? 'a';`,
    gaps: [],
  });
  expect(read(`await runner.query('UPDATE t SET x = $1', [1])`)).toMatchObject({ text: 'UPDATE t SET x = $1;', gaps: [] });
});
