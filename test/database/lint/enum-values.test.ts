import { describe, expect, test } from 'vitest';
import { attempt } from './refusals.ts';
import { session } from './session.ts';
import { judge, ruled } from './support.ts';

const MOOD = `CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (m mood); CREATE TABLE other (n text);`;
const ADDED = `ALTER TYPE mood ADD VALUE 'b'; `;
const block = (body: string): string => `DO $$ ${body.startsWith('BEGIN') ? '' : 'DECLARE '}${body} END $$`;
const made = (head: string, body: string): string => `CREATE FUNCTION ${head} LANGUAGE plpgsql AS $$ BEGIN ${body} END $$;`;

describe('a new value of an enum in what a body works out', () => {
  const { client } = session();
  const refused = async (sql: string): Promise<string | null> => {
    await client().query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${MOOD}`);
    await client().query('BEGIN');
    const code = await attempt(client(), ADDED + sql);
    await client().query('ROLLBACK');
    return code;
  };
  const told = async (sql: string) => ruled((await judge([MOOD, ADDED + sql], { transactions: 'file' })).findings);

  test.each([
    block(`v mood; BEGIN v := 'b';`),
    block(`v mood := 'b'; BEGIN`),
    block(`v CONSTANT public.mood NOT NULL DEFAULT 'b'; BEGIN`),
    block(`v mood; BEGIN IF v = 'b' THEN NULL; END IF;`),
    block(`v mood; BEGIN IF false THEN NULL; ELSIF v IN ('a', 'b') THEN NULL; END IF;`),
    block(`v mood; BEGIN WHILE v = 'b' LOOP NULL; END LOOP;`),
    block(`v mood; BEGIN LOOP EXIT WHEN coalesce(v, 'b') = 'b'; END LOOP;`),
    block(`v mood; BEGIN CASE v WHEN 'b' THEN NULL; ELSE NULL; END CASE;`),
    block(`BEGIN RAISE NOTICE '%', 'b'::mood;`),
    block(`BEGIN EXECUTE 'SELECT $1' USING 'b'::mood;`),
    block(`n text; BEGIN n := 'b'::mood::text || 'x';`),
    block(`BEGIN IF EXISTS (SELECT FROM t WHERE m = 'b') THEN NULL; END IF;`),
    block(`n int; BEGIN n := (SELECT count(*) FROM t WHERE m <> 'b');`),
    `${made('f() RETURNS mood', `RETURN 'b';`)} SELECT f()`,
    `${made('f() RETURNS SETOF mood', `RETURN NEXT 'b';`)} SELECT f()`,
    `${made('f(m mood) RETURNS bool', `RETURN m <> 'b';`)} ${block(`BEGIN ASSERT f('a');`)}`,
    `${made('f() RETURNS void', `INSERT INTO t VALUES ('b');`)} ${made('g() RETURNS void', 'PERFORM f();')} SELECT g()`,
    `${made('f() RETURNS int', `INSERT INTO t VALUES ('b'); RETURN 1;`)} ${block('n int; BEGIN n := 1 + f();')}`,
  ])('%s is refused, and told', async (sql) => {
    expect(await refused(sql)).toBe('55P04');
    expect(await told(sql)).toEqual(['error enum-value-in-transaction']);
  });

  test.each([
    block(`n text := 'b'; BEGIN n := 'b';`),
    block(`v mood; n text; BEGIN IF v = 'a' AND n = 'b' THEN NULL; END IF;`),
    block(`v mood; BEGIN IF v::text = 'b' THEN NULL; END IF;`),
    block(`v mood; BEGIN v := lower('A');`),
    block(`r record; BEGIN SELECT 'x' AS n INTO r; IF r.n = 'b' THEN NULL; END IF;`),
    block(`BEGIN RAISE NOTICE '%', 'b';`),
    block(`BEGIN IF EXISTS (SELECT FROM other WHERE n = 'b') THEN NULL; END IF;`),
    made('f() RETURNS mood', `RETURN 'b';`),
    made('f(n text) RETURNS bool', `RETURN n <> 'b';`),
  ])('%s is taken, and not told', async (sql) => {
    expect(await refused(sql)).toBeNull();
    expect(await told(sql)).toEqual([]);
  });
});
