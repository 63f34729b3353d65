import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { judge, ofRule } from './support.ts';

/** What was there, and what is done then. */
type Case = readonly [before: string, sql: string];

const TABLES = `CREATE TABLE a (id int PRIMARY KEY, u int UNIQUE, x text, y text);
  CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a, CONSTRAINT own FOREIGN KEY (id) REFERENCES b);
  CREATE TABLE c (au int CONSTRAINT c_a REFERENCES a (u));`;
const VIEWS = `CREATE TABLE a (id int PRIMARY KEY, x text, y text, z int);
  CREATE VIEW v AS SELECT x, id AS y FROM a WHERE z > 1; CREATE VIEW vv AS SELECT x FROM v; CREATE MATERIALIZED VIEW m AS SELECT * FROM vv;`;
const FN = `CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
  CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();`;

const REFUSED: readonly Case[] = [
  [TABLES, 'DROP TABLE a'],
  [TABLES, 'DROP TABLE a, b'],
  [TABLES, 'DROP TABLE IF EXISTS public.a RESTRICT'],
  [TABLES, 'ALTER TABLE a DROP COLUMN u'],
  [TABLES, 'ALTER TABLE a DROP COLUMN id, ADD COLUMN z int'],
  [TABLES, 'ALTER TABLE a DROP CONSTRAINT a_u_key'],
  [TABLES, 'ALTER TABLE b DROP CONSTRAINT b_pkey'],
  [TABLES, 'DROP INDEX a_u_key'],
  [TABLES, 'DROP INDEX a_pkey CASCADE'],
  [TABLES, 'TRUNCATE a'],
  [`${TABLES} DROP TABLE b`, 'DROP TABLE a'],
  [`${TABLES} ALTER TABLE c DROP CONSTRAINT c_a; ALTER TABLE b ADD FOREIGN KEY (id) REFERENCES a (u)`, 'ALTER TABLE a DROP COLUMN u'],
  [VIEWS, 'DROP TABLE a'],
  [VIEWS, 'DROP VIEW v'],
  [VIEWS, 'DROP VIEW v, vv'],
  [VIEWS, 'ALTER TABLE a DROP COLUMN x'],
  [VIEWS, 'ALTER TABLE a DROP COLUMN z'],
  ['CREATE TABLE a (x int, y int); CREATE VIEW v AS SELECT * FROM a', 'ALTER TABLE a DROP COLUMN y'],
  ['CREATE TABLE a (x int); CREATE TABLE b (x int); CREATE VIEW v AS SELECT 1 AS n FROM a JOIN b USING (x)', 'DROP TABLE b'],
  [`CREATE TYPE mood AS ENUM ('x'); CREATE TABLE t (m mood)`, 'DROP TYPE mood'],
  [`CREATE TYPE mood AS ENUM ('x'); CREATE TABLE t (a int); ALTER TABLE t ADD m public.mood[]`, 'DROP TYPE mood'],
  ['CREATE DOMAIN d AS int; CREATE TABLE t (m d)', 'DROP DOMAIN d'],
  [`CREATE SEQUENCE s; CREATE TABLE t (a int DEFAULT nextval('s'))`, 'DROP SEQUENCE s'],
  [`CREATE SEQUENCE s; CREATE TABLE t (a int); ALTER TABLE t ALTER a SET DEFAULT nextval('public.s'::regclass)`, 'DROP SEQUENCE s'],
  [FN, 'DROP FUNCTION f()'],
  ['CREATE SCHEMA s; CREATE TABLE s.t (a int)', 'DROP SCHEMA s'],
  [`CREATE SCHEMA s; CREATE TYPE s.e AS ENUM ('x')`, 'DROP SCHEMA s'],
  ['CREATE TABLE p (a int); CREATE TABLE h () INHERITS (p)', 'DROP TABLE p'],
  ['CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)', 'ALTER TABLE t DROP COLUMN a'],
  ['CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)', 'ALTER TABLE t ALTER a TYPE bigint'],
  ['CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a); ALTER TABLE t ADD UNIQUE USING INDEX i', 'DROP INDEX i'],
  ['CREATE VIEW r AS SELECT 1 AS a, 2 AS b', 'CREATE OR REPLACE VIEW r AS SELECT 1 AS a'],
  ['CREATE TABLE t (a int, b int); CREATE VIEW r AS SELECT a, b FROM t', 'CREATE OR REPLACE VIEW r AS SELECT t.a AS c, b FROM t'],
  ['CREATE VIEW r (x, y) AS SELECT 1, count(*) UNION SELECT 3, 4', 'CREATE OR REPLACE VIEW r AS SELECT 1 AS y, count(*) AS x'],
];

const TAKEN: readonly Case[] = [
  [TABLES, 'DROP TABLE c, b, a'],
  [TABLES, 'DROP TABLE a CASCADE'],
  [TABLES, 'ALTER TABLE a DROP COLUMN y'],
  [TABLES, 'ALTER TABLE a DROP CONSTRAINT a_u_key CASCADE'],
  [TABLES, 'TRUNCATE a, b, c'],
  [TABLES, 'TRUNCATE a CASCADE'],
  [TABLES, 'TRUNCATE b'],
  [`${TABLES} DROP TABLE b, c`, 'DROP TABLE a'],
  [`${TABLES} DROP TABLE b; ALTER TABLE c DROP CONSTRAINT c_a`, 'DROP TABLE a'],
  [`${TABLES} ALTER TABLE b DROP COLUMN a; ALTER TABLE c DROP au`, 'DROP TABLE a'],
  [`${TABLES} ALTER TABLE b RENAME TO bb; DROP TABLE bb, c`, 'DROP TABLE a'],
  [`${TABLES} DO $$ BEGIN DROP TABLE b; DROP TABLE c; END $$`, 'DROP TABLE a'],
  [`${TABLES} ALTER TABLE b RENAME CONSTRAINT b_a_fkey TO k; ALTER TABLE b DROP CONSTRAINT k; DROP TABLE c`, 'DROP TABLE a'],
  [`${TABLES} ALTER TABLE a ADD CONSTRAINT again UNIQUE (u)`, 'ALTER TABLE a DROP CONSTRAINT again'],
  [`CREATE FUNCTION clean() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE b, c; END $$; ${TABLES} SELECT clean()`, 'DROP TABLE a'],
  [VIEWS, 'DROP VIEW v CASCADE'],
  [VIEWS, 'DROP MATERIALIZED VIEW m'],
  [`${VIEWS} DROP VIEW v CASCADE`, 'ALTER TABLE a DROP COLUMN x, DROP COLUMN z'],
  [`${VIEWS} DROP TABLE a CASCADE; CREATE TABLE a (x int)`, 'DROP TABLE a'],
  [VIEWS, 'ALTER TABLE a DROP COLUMN y'],
  [`${VIEWS} ALTER VIEW v RENAME TO w; DROP VIEW w CASCADE`, 'DROP TABLE a'],
  [`${VIEWS} DROP VIEW v CASCADE; CREATE OR REPLACE VIEW v AS SELECT y FROM a`, 'ALTER TABLE a DROP COLUMN x'],
  [`${VIEWS} CREATE OR REPLACE VIEW vv AS SELECT 'x' AS x`, 'SELECT 1'],
  [`CREATE TABLE a (x int); CREATE VIEW v AS WITH a AS (SELECT 1 AS n) SELECT n FROM a`, 'DROP TABLE a'],
  [`CREATE TABLE a (x int); CREATE TEMP VIEW v AS SELECT x FROM a; DROP VIEW v`, 'DROP TABLE a'],
  ['CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; CREATE TEMP TABLE t (b int)', 'DROP TABLE t'],
  ['CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT count(*) FROM t', 'ALTER TABLE t DROP COLUMN b'],
  [`CREATE TYPE mood AS ENUM ('x'); CREATE TABLE t (m mood); ALTER TABLE t ALTER m TYPE text`, 'DROP TYPE mood'],
  [`CREATE TYPE mood AS ENUM ('x'); CREATE TABLE t (m mood); ALTER TABLE t DROP m`, 'DROP TYPE mood'],
  [`CREATE SEQUENCE s; CREATE TABLE t (a int DEFAULT nextval('s')); ALTER TABLE t ALTER a DROP DEFAULT`, 'DROP SEQUENCE s'],
  [`CREATE SEQUENCE s; CREATE TABLE t (a int DEFAULT nextval('s'::text))`, 'DROP SEQUENCE s'],
  [FN, 'DROP FUNCTION f(int)'],
  [`${FN} DROP TRIGGER g ON t`, 'DROP FUNCTION f()'],
  [`${FN} DROP TABLE t`, 'DROP FUNCTION f()'],
  ['CREATE SCHEMA s; CREATE TABLE s.t (a int); DROP TABLE s.t', 'DROP SCHEMA s'],
  ['CREATE SCHEMA s; CREATE TABLE s.t (a int); ALTER TABLE s.t SET SCHEMA public', 'DROP SCHEMA s'],
  ['CREATE TABLE p (a int); CREATE TABLE h () INHERITS (p); ALTER TABLE h NO INHERIT p', 'DROP TABLE p'],
  ['CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)', 'ALTER TABLE t ALTER b TYPE bigint'],
  ['CREATE TABLE t (a int UNIQUE); ALTER INDEX t_a_key RENAME TO k; CREATE INDEX t_a_key ON t (a)', 'DROP INDEX t_a_key'],
  [
    'CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE VIEW v AS SELECT t.a FROM t, u; ALTER TABLE t RENAME TO s; DROP TABLE s CASCADE',
    'DROP TABLE u',
  ],
  [
    'CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; ALTER TABLE t RENAME TO s; DROP TABLE s CASCADE',
    'CREATE OR REPLACE VIEW v AS SELECT 1 AS b',
  ],
  [
    'CREATE TABLE t (a int); DO $$ BEGIN CREATE VIEW w AS SELECT a FROM t; END $$; CREATE TABLE u (a int); CREATE VIEW v AS SELECT u.a FROM u, w; DROP TABLE t CASCADE',
    'DROP TABLE u',
  ],
  [
    'CREATE TABLE t (a int, b int); DO $$ BEGIN CREATE VIEW w AS SELECT a FROM t; END $$; CREATE TABLE u (a int); CREATE VIEW v AS SELECT u.a FROM u, w; ALTER TABLE t DROP COLUMN a CASCADE',
    'DROP TABLE u',
  ],
  ['CREATE SCHEMA s; CREATE TABLE s.t (a int); CREATE SEQUENCE s.q OWNED BY s.t.a; DROP TABLE s.t', 'DROP SCHEMA s'],
  ['CREATE SCHEMA s; CREATE TABLE s.t (a int); CREATE SEQUENCE s.q; ALTER SEQUENCE s.q OWNED BY s.t.a; DROP TABLE s.t', 'DROP SCHEMA s'],
  ['CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE h PARTITION OF p DEFAULT', 'DROP TABLE p'],
  ['CREATE VIEW r AS SELECT 1 AS a', 'CREATE OR REPLACE VIEW r AS SELECT 1 AS a, 2 AS b'],
  ['CREATE VIEW r AS SELECT 1 AS a, 2 AS b; DROP VIEW r', 'CREATE OR REPLACE VIEW r AS SELECT 1 AS b'],
  ['CREATE VIEW r AS SELECT 1 AS a; ALTER VIEW r RENAME COLUMN a TO b', 'CREATE OR REPLACE VIEW r AS SELECT 1 AS b'],
  [
    'CREATE SCHEMA s; SET search_path = s, public; CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; RESET search_path; CREATE TABLE t (a int)',
    'DROP TABLE t',
  ],
  [
    'CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; CREATE SCHEMA s; SET search_path = s; DROP VIEW public.v',
    'DROP TABLE public.t',
  ],
  ['BEGIN; CREATE TABLE t (a int); SAVEPOINT one; CREATE VIEW v AS SELECT a FROM t; ROLLBACK TO one', 'DROP TABLE t'],
];

describe('what something still needs', () => {
  let server: TestPostgres;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startPostgres();
    client = new pg.Client({ connectionString: server.url('postgres') });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  /** The code of the server's refusal; null where it takes the statement. */
  async function refusalOf([before, sql]: Case): Promise<string | null> {
    await client.query('BEGIN');
    try {
      await client.query(before.replace(/^BEGIN;/, ''));
      await client.query('SAVEPOINT before');
      return await client.query(sql).then(
        () => null,
        (error: unknown) => (error instanceof pg.DatabaseError ? (error.code ?? '') : 'not refused but broken'),
      );
    } finally {
      await client.query('ROLLBACK');
    }
  }

  const told = async ([before, sql]: Case) => ofRule((await judge([before, sql], { transactions: 'statement' })).findings, 'still-needed');

  test.each(REFUSED)('%s | %s is refused, and told', async (before, sql) => {
    expect(await refusalOf([before, sql])).toMatch(/^(?:2BP01|0A000|42P16)$/);
    const [found, ...more] = await told([before, sql]);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ severity: 'error', certainty: 'known', fix: expect.any(String) as unknown });
  });

  test.each(TAKEN)('%s | %s is taken, and not told', async (before, sql) => {
    expect(await refusalOf([before, sql])).toBeNull();
    expect(await told([before, sql])).toEqual([]);
  });

  test('what it proposes is taken', async () => {
    const proposed = REFUSED.filter(([, sql]) => /^(?:DROP|ALTER)/.test(sql) && !sql.includes('INDEX'));
    for (const [before, sql] of proposed) {
      let fix = sql;
      // Each step may show a dependant of its own.
      for (let round = 0; round < 3; round += 1) fix = (await told([before, fix]))[0]?.fix ?? fix;
      expect(await refusalOf([before, fix]), fix).toBeNull();
    }
  });
});
