import { beforeAll, describe, expect, test } from 'vitest';
import { resolveNames, pathOf } from '../../../src/database/core/lint/search-path.ts';
import { emptySchema } from '../../../src/database/core/lint/schema.ts';
import { applyStatement } from '../../../src/database/core/lint/schema-apply.ts';
import { parseSql } from '../../../src/database/parser.ts';
import { session } from './session.ts';
import { judge, ofRule, ruled } from './support.ts';

const OLD = (sql: string): readonly string[] => [sql, ...Array.from({ length: 11 }, () => '')];
const APP = 'CREATE SCHEMA app; CREATE TABLE app.t (id bigint PRIMARY KEY, n int); CREATE TABLE t (id bigint PRIMARY KEY, n int)';

/** The relations of the findings of a file. */
async function relations(sql: string, before = APP): Promise<readonly string[]> {
  const { findings } = await judge([...OLD(before), sql], { transactions: 'statement' });
  return ofRule(findings, 'set-not-null').map(({ relation }) => relation ?? '');
}

describe('what a bare name means', () => {
  const alter = 'ALTER TABLE t ALTER COLUMN n SET NOT NULL';
  test.each<[string, readonly string[]]>([
    [alter, ['t']],
    [`SET search_path = app; ${alter}`, ['app.t']],
    [`SET search_path TO "app", public; ${alter}`, ['app.t']],
    [`SET search_path = public, app; ${alter}`, ['t']],
    [`SET search_path = "$user", app; ${alter}`, ['app.t']],
    [`SELECT pg_catalog.set_config('search_path', 'app, public', false); ${alter}`, ['app.t']],
    [`SET search_path = app; RESET search_path; ${alter}`, ['t']],
    [`BEGIN; SET LOCAL search_path = app; ${alter}; COMMIT; ${alter}`, ['app.t', 't']],
    [`SET search_path = app; DO $$ BEGIN ${alter}; END $$`, ['app.t']],
    [
      `SET search_path = app; CREATE FUNCTION f() RETURNS void SET search_path = public LANGUAGE plpgsql AS $$ BEGIN ${alter}; END $$; SELECT f()`,
      ['t'],
    ],
    // Where nobody knows, it is as it was.
    [`SELECT set_config('search_path', current_setting('x'), false); ${alter}`, ['t']],
    [`SET search_path = other, more; ${alter}`, ['t']],
    [`ALTER ROLE bob SET search_path = app; ${alter}`, ['t']],
  ])('%s', async (sql, expected) => {
    expect(await relations(sql)).toEqual(expected);
  });

  test('what a file makes is where its path says, for the files after it', async () => {
    const made = "CREATE SCHEMA app; SET search_path = app, public; CREATE TABLE t (n int NOT NULL); CREATE TYPE mood AS ENUM ('x')";
    expect(await relations('ALTER TABLE app.t ALTER COLUMN n SET NOT NULL', made)).toEqual([]);
    expect(await relations('ALTER TABLE t ALTER COLUMN n SET NOT NULL', made)).toEqual(['t']);
    const enums = await judge([made, `ALTER TYPE app.mood ADD VALUE 'y'; CREATE TABLE u (m app.mood DEFAULT 'y')`]);
    expect(ruled(enums.findings)).toEqual(['error enum-value-in-transaction']);
  });

  test('what something needs is of the schema that the path says', async () => {
    const told = async (...files: readonly string[]) => ofRule((await judge(files)).findings, 'still-needed').length;
    const view = 'CREATE SCHEMA app; SET search_path = app; CREATE TABLE t (n int); CREATE VIEW v AS SELECT n FROM t';
    expect(await told(view, 'DROP TABLE app.t')).toBe(1);
    expect(await told(view, 'SET search_path = app, public; ALTER TABLE t DROP COLUMN n')).toBe(1);
    expect(await told(view, 'DROP TABLE t')).toBe(0);
    expect(await told(view, 'SET search_path = app; DROP VIEW v', 'DROP TABLE app.t')).toBe(0);
    expect(await told(view, 'ALTER DATABASE d SET search_path = app', 'DROP VIEW v', 'DROP TABLE app.t')).toBe(0);
  });
});

describe('names are looked for as the server does it', () => {
  const { client } = session();
  beforeAll(async () => {
    await client().query(THERE);
  });

  const THERE = `CREATE SCHEMA one; CREATE SCHEMA "Two"; CREATE TABLE one.a (n int); CREATE TABLE "Two".a (n int); CREATE TABLE "Two".b (n int);
    CREATE TABLE public.b (n int); CREATE TABLE public.c (n int); CREATE VIEW one.v AS SELECT 1 AS n`;
  const PATHS = ['one', '"Two"', 'one, "Two"', '"Two", one, public', 'public, one', '"$user", one', 'pg_catalog, "Two"'];
  const NAMES = ['a', 'b', 'c', 'v'];

  test.each(PATHS.flatMap((path) => NAMES.map((name) => [path, name] as const)))('%s: %s', async (path, name) => {
    const parsed = await parseSql(THERE);
    const schema = emptySchema();
    for (const statement of parsed.ok ? parsed.statements : []) applyStatement(schema, statement, { file: 0, transaction: 0 });
    const asked = await parseSql(`SELECT n FROM ${name}`);
    const [statement] = asked.ok ? asked.statements : [];
    if (statement === undefined) throw new Error('not parsed');
    const resolved = resolveNames(statement, pathOf(path), schema);
    const written = JSON.stringify(resolved.statement.node).match(/"schemaname":"(\w+)"/)?.[1] ?? 'public';
    await client().query(`SELECT set_config('search_path', $1, false)`, [path]);
    const { rows } = await client().query<{ schema: string }>(
      'SELECT n.nspname AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)',
      [name],
    );
    // What the server does not find is refused, and nothing follows from it.
    const { schema: found, sure } = rows[0] === undefined ? { schema: written, sure: resolved.sure } : { ...rows[0], sure: true };
    expect({ written, sure: resolved.sure }).toEqual({ written: found, sure });
  });
});
