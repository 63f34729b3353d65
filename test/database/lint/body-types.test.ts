import { beforeAll, describe, expect, test } from 'vitest';
import { judge, ruled } from './support.ts';
import { session } from './session.ts';

const shop = session();

const MADE = `CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
  CREATE TABLE people (name text, m mood, e email); CREATE TABLE orders (id bigint, n int);
  INSERT INTO people VALUES ('a', 'ok', 'a@b'), ('b', 'sad', 'b@b')`;

/** Bodies with types that only the catalog knows: declarations, and what is done with them. */
const BODIES: readonly (readonly [declared: string, body: string])[] = [
  ['m mood; n int;', 'SELECT people.m, 1 INTO m, n FROM people LIMIT 1;'],
  ['n int; m public.mood := NULL;', 'SELECT 1, people.m INTO STRICT n, m FROM people LIMIT 1;'],
  ['-- what it is\n m mood; "E" email;', 'FOR m, "E" IN SELECT people.m, people.e FROM people LOOP NULL; END LOOP;'],
  ['c refcursor; m mood; n int;', 'OPEN c FOR SELECT 1, people.m FROM people; FETCH c INTO n, m; CLOSE c;'],
  ['n int; e email;', `EXECUTE 'SELECT 1, ''a@b''' INTO n, e;`],
  ['r people%ROWTYPE;', `SELECT * INTO r FROM people LIMIT 1; r.name := 'x'; RAISE NOTICE '%', r.name;`],
  ['r public.people % rowtype;', `FOR r IN SELECT * FROM people LOOP r.name := 'x'; END LOOP;`],
  ['many people.name%TYPE[];', `many[1] := 'x';`],
];

describe('a body that the server takes, whatever it knows of its types', () => {
  beforeAll(() => shop.client().query(MADE));

  test.each(BODIES)('is read and judged: %s %s', async (declared, body) => {
    const block = `DO $$ DECLARE ${declared} BEGIN ${body} DELETE FROM orders; END $$`;
    await shop.client().query(block);
    expect(ruled((await judge([MADE, ...Array.from({ length: 11 }, () => ''), block])).findings)).toEqual(['warning delete-all']);
  });

  test.each(['f(m mood, OUT n int)', 'f(OUT m mood, OUT n int)', 'f() RETURNS TABLE (m mood, n int)'])(
    'parameters too: %s',
    async (head) => {
      const sql = `CREATE OR REPLACE FUNCTION ${head} LANGUAGE plpgsql AS $$ BEGIN SELECT 'ok', 2 INTO m, n; END $$`;
      await shop.client().query(`BEGIN; ${sql}; ROLLBACK`);
      expect(await judge(sql)).toMatchObject({ verdict: 'pass' });
    },
  );

  test('what the server refuses is refused, in its own words', async () => {
    const block = 'DO $$ DECLARE m mood; n int; BEGIN SELECT 1, 2 INTO m, n; SELEC 1; END $$';
    await expect(shop.client().query(block)).rejects.toThrow('syntax error');
    const { verdict, findings } = await judge(block);
    expect(verdict).toBe('unknown');
    expect(findings.find(({ rule }) => rule === 'unreadable')?.line).toBe(1);
  });
});
