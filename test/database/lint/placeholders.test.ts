import { describe, expect, test } from 'vitest';
import { judge } from './support.ts';

describe('placeholders without a value', () => {
  test.each([
    'CREATE TABLE "{{ index .Options "Schema" }}".t (a {{ schema }}.mood REFERENCES {{ schema }}.u); COMMENT ON TABLE {{ schema }}.t IS $$${x}$$',
    'CREATE SCHEMA IF NOT EXISTS ${schema}; GRANT USAGE ON SCHEMA ${schema} TO app; SET search_path TO ${schema}',
    'CREATE FUNCTION ${schema}.f() RETURNS int LANGUAGE sql AS $$ SELECT ${schema}.g() FROM ${schema}.t $$',
    `DO $$ BEGIN EXECUTE 'DROP TYPE \${schema}.mood'; END $$`,
  ])('one that only names a schema needs none: %s', async (sql) => {
    expect(await judge(sql)).toMatchObject({ verdict: 'pass' });
  });

  test.each([
    'ALTER TABLE app.${table} ADD x int',
    'ALTER TABLE ${schema}.t ADD x ${type}',
    'ALTER TABLE ${schema}.t ALTER ${column} SET NOT NULL',
    'SELECT ${schema}.${function}()',
    'CREATE FUNCTION ${schema}.f() RETURNS int LANGUAGE sql AS $$ DELETE FROM ${table} $$',
    'DO $$ BEGIN DROP TABLE ${table}; END $$',
    'ALTER TABLE ${schema}.t ${rest}',
  ])('one that names anything else does: %s', async (sql) => {
    expect(await judge(sql)).toMatchObject({ verdict: 'unknown' });
  });

  test.each([
    `DO $$ BEGIN RAISE NOTICE 'now <%>', 1; DROP TABLE orders; RAISE NOTICE 'gone <%>', 1; END $$`,
    `DO $$ BEGIN PERFORM 1 WHERE 'a' LIKE '<%>'; DROP TABLE orders; PERFORM 1 WHERE 'a' LIKE '<%>'; END $$`,
    `DO $$ BEGIN RAISE NOTICE '<%.%>', 1, 2;\n DROP TABLE orders;\n RAISE NOTICE '<%.%>', 1, 2; END $$`,
    `DO $$ BEGIN RAISE NOTICE '<% of %>', 1, 2; DROP TABLE orders; END $$`,
    `DO $$ BEGIN PERFORM replace('a', '{{', ''); DROP TABLE orders; PERFORM replace('a', '}}', ''); END $$`,
    `SELECT '{{1,2}}'::int[]; DROP TABLE orders; SELECT '{1}', '$\{'; SELECT '}'`,
  ])('what only looks like one hides nothing: %s', async (sql) => {
    const { verdict, findings } = await judge(['CREATE TABLE orders (id int)', sql]);
    expect(verdict).toBe('pass');
    expect(findings.map(({ rule }) => rule)).toContain('drop-table');
  });

  test('a schema without a name is the same one in all files, quoted or not, and shown as it was read', async () => {
    const made = [...Array.from({ length: 12 }, () => ''), 'CREATE TABLE {{ .Schema }}.t (a int)'];
    const { verdict, findings, text } = await judge([...made, 'ALTER TABLE "{{ .Schema }}"."t" ALTER a SET NOT NULL']);
    expect(verdict).toBe('pass');
    expect(findings.find(({ rule }) => rule === 'set-not-null')).toMatchObject({ severity: 'warning', relation: '⟨schema⟩.t', column: 28 });
    expect(text.slice(27)).toBe('ALTER a SET NOT NULL');
    expect(await judge([...made, 'ALTER TABLE t ALTER a SET NOT NULL'])).toMatchObject({ verdict: 'fail' });
  });
});
