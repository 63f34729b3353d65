import { describe, expect, test } from 'vitest';
import { lintFiles } from '../../../src/database/index.ts';
import { judge, ruled, type Setting } from './support.ts';

/** Tables that were made long before, so that their age says nothing about their size. */
const TABLES = `CREATE TABLE orders (id bigint PRIMARY KEY, name varchar(20), n int, price numeric(10,2), at timestamp, note text, k text NOT NULL DEFAULT 'x', customer bigint);
  CREATE TABLE customers (id bigint PRIMARY KEY, email text UNIQUE); CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE INDEX orders_n ON orders (n)`;
const OLD = [TABLES, ...Array.from({ length: 11 }, () => '')];

/** SQL, of which the last file is judged; what it must be told, notices left out; and where it runs. */
type Case = readonly [sql: string | readonly string[], rules: readonly string[], setting?: Setting];

const check = (cases: readonly Case[]): void =>
  test.each(cases.map(([sql, rules, setting]) => ({ name: [sql].flat().join(' | '), sql: [sql].flat(), rules, setting })))(
    '$name',
    async ({ sql, rules, setting }) => {
      const { findings } = await judge([...OLD, ...sql], { version: 15, transactions: 'auto', ...setting });
      expect(ruled(findings).toSorted()).toEqual(rules.toSorted());
    },
  );

describe('however it is written', () => {
  check([
    ['create index on PUBLIC."orders" using btree (n)', ['warning create-index']],
    ['/* why */ CREATE -- so\n UNIQUE INDEX IF NOT EXISTS u ON "orders" (n)', ['warning create-index']],
    ['DROP INDEX IF EXISTS public.orders_n CASCADE', ['warning drop-cascade', 'warning drop-index']],
    ['alter table only "public".orders add constraint "C" check (n > 0)', ['error add-check']],
    ['ALTER TABLE IF EXISTS orders ALTER n SET DATA TYPE int8 USING n::int8', ['error column-type']],
    ['ALTER TABLE orders ADD IF NOT EXISTS x uuid NOT NULL DEFAULT public.uuid_generate_v4()', ['error add-column-default']],
    ['ALTER TABLE orders ADD x int, ADD y serial, ALTER note SET NOT NULL', ['error add-column-serial', 'error set-not-null']],
    [
      'ALTER TABLE orders ADD x bigint NOT NULL CHECK (x > 0) REFERENCES customers',
      ['error add-column-check', 'error required-column', 'warning add-column-references'],
    ],
    ['REINDEX (VERBOSE) INDEX orders_n', ['error reindex']],
    ['REINDEX (CONCURRENTLY) TABLE orders', []],
    ['VACUUM (FULL, ANALYZE) orders', ['error table-rewrite']],
    ['VACUUM (FULL false) orders', []],
    ['CLUSTER', ['error table-rewrite']],
    ['ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b', ['error table-rewrite']],
    ['ALTER INDEX orders_n SET TABLESPACE fast', ['error table-rewrite']],
    ['LOCK orders IN ROW EXCLUSIVE MODE', []],
    ['LOCK orders IN SHARE MODE', ['warning lock-table']],
  ]);
});

describe('what does not need to be feared', () => {
  check([
    [`ALTER TABLE orders ADD x timestamptz NOT NULL DEFAULT now() + interval '1 day'`, []],
    [`ALTER TABLE orders ADD x jsonb NOT NULL DEFAULT '{}'::jsonb, ADD y text[] DEFAULT ARRAY['a']`, []],
    ['ALTER TABLE orders ALTER COLUMN name TYPE character varying(255)', []],
    ['ALTER TABLE orders ALTER COLUMN price TYPE numeric(12,2)', []],
    ['ALTER TABLE orders ALTER COLUMN price TYPE numeric(12,4)', ['error column-type', 'warning narrower-type']],
    ['CREATE TABLE fresh (id bigint PRIMARY KEY, a int); CREATE INDEX ON fresh (a); ALTER TABLE fresh ADD CHECK (a > 0)', []],
    ['CREATE TEMP TABLE t AS SELECT * FROM orders; CREATE INDEX ON t (n); UPDATE t SET n = 1', []],
    [
      ['CREATE TABLE gone (id int)', 'DROP TABLE gone; CREATE TABLE gone (id int, a int); CREATE INDEX ON gone (a)'],
      ['warning drop-table'],
    ],
    ['ALTER TABLE orders ADD COLUMN x int; UPDATE orders SET x = n WHERE id = 1', []],
    ['ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD CONSTRAINT orders_pkey PRIMARY KEY (k)', ['error add-primary-key']],
    ['ALTER TABLE orders ADD COLUMN x int; ALTER TABLE orders DROP COLUMN x', []],
    ['UPDATE orders SET n = 1 WHERE id = 5', []],
    ['DELETE FROM orders WHERE id IN (1, 2, 3)', []],
    ['GRANT SELECT ON orders TO bob', []],
  ]);
});

describe('across files', () => {
  check([
    [['ALTER TABLE orders ADD COLUMN x int', 'ALTER TABLE orders DROP COLUMN x'], ['warning drop-column']],
    [['CREATE UNIQUE INDEX CONCURRENTLY u ON orders (n)', 'ALTER TABLE orders ADD CONSTRAINT u UNIQUE USING INDEX u'], []],
    [
      ['ALTER TABLE orders ADD CONSTRAINT c CHECK (note IS NOT NULL) NOT VALID', 'ALTER TABLE orders ALTER COLUMN note SET NOT NULL'],
      ['error set-not-null'],
    ],
    [
      [
        'ALTER TABLE orders ADD CONSTRAINT c CHECK (note IS NOT NULL) NOT VALID',
        'ALTER TABLE orders VALIDATE CONSTRAINT c',
        'ALTER TABLE orders ALTER COLUMN note SET NOT NULL; ALTER TABLE orders DROP CONSTRAINT c',
      ],
      [],
    ],
    [
      [
        'ALTER TABLE orders ADD CONSTRAINT c CHECK (note IS NOT NULL) NOT VALID',
        'ALTER TABLE orders VALIDATE CONSTRAINT c',
        'ALTER TABLE orders RENAME COLUMN note TO remark',
        'ALTER TABLE orders ALTER COLUMN remark SET NOT NULL',
      ],
      [],
    ],
    [
      [
        'ALTER TABLE orders ADD CONSTRAINT c CHECK (note IS NOT NULL) NOT VALID',
        'ALTER TABLE orders VALIDATE CONSTRAINT c',
        'ALTER TABLE orders DROP CONSTRAINT c',
        'ALTER TABLE orders ALTER COLUMN note SET NOT NULL',
      ],
      ['error set-not-null'],
    ],
    [
      ['CREATE VIEW v AS SELECT id, note FROM orders', 'ALTER TABLE orders ALTER COLUMN note TYPE varchar'],
      ['error type-of-viewed-column'],
    ],
    [['CREATE VIEW v AS SELECT id, n FROM orders', 'ALTER TABLE orders ALTER COLUMN note TYPE varchar'], []],
    [['CREATE VIEW v AS SELECT note FROM orders', 'DROP VIEW v', 'ALTER TABLE orders ALTER COLUMN note TYPE varchar'], []],
    [['ALTER TABLE orders RENAME TO purchases', 'CREATE INDEX ON purchases (n)'], ['warning create-index']],
    [['ALTER TABLE orders SET SCHEMA shop', 'ALTER TABLE shop.orders ALTER COLUMN name TYPE varchar(40)'], []],
    [['CREATE TABLE p (id int) PARTITION BY LIST (id)', 'CREATE INDEX CONCURRENTLY ON p (id)'], ['error index-of-partitioned']],
    [['CREATE FUNCTION f() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$', 'ALTER TABLE orders ADD x int DEFAULT f()'], []],
    [
      ['CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$', 'ALTER TABLE orders ADD x int DEFAULT f()'],
      ['error add-column-default'],
    ],
    [
      'TRUNCATE orders; ALTER TABLE orders ADD COLUMN x int NOT NULL',
      ['warning required-column', 'warning truncate', 'warning work-under-lock'],
    ],
  ]);
});

describe('transactions', () => {
  check([
    // Nobody waits for a table that is gone when the wait is over.
    ['DROP TABLE IF EXISTS gone; UPDATE orders SET n = 1 WHERE n = 2', ['warning drop-table']],
    [
      'DROP TABLE IF EXISTS gone; ALTER TABLE orders ADD x int; UPDATE orders SET n = 1 WHERE n <> 2',
      ['warning drop-table', 'warning several-locks', 'error schema-and-rows'],
    ],
    ['REINDEX TABLE CONCURRENTLY orders', ['error index-in-transaction'], { transactions: 'file' }],
    ['ALTER TABLE p DETACH PARTITION q CONCURRENTLY', ['error index-in-transaction'], { transactions: 'file' }],
    ['CREATE INDEX CONCURRENTLY a ON orders (n)', [], { transactions: 'string' }],
    ['CREATE INDEX CONCURRENTLY a ON orders (n); SELECT 1', ['error index-in-transaction'], { transactions: 'string' }],
    [
      'ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID, VALIDATE CONSTRAINT c',
      ['error validate-together'],
      { transactions: 'statement' },
    ],
    [`CREATE TYPE t AS ENUM ('a'); ALTER TYPE t ADD VALUE 'b'; CREATE TABLE x (c t DEFAULT 'b')`, ['error enum-value-in-transaction']],
    [`CREATE TYPE t AS ENUM ('a'); ALTER TYPE t ADD VALUE 'b'; CREATE TABLE x (c t DEFAULT 'b')`, [], { version: 17 }],
    [`ALTER TYPE mood ADD VALUE 'b'; ALTER TABLE orders ADD m mood DEFAULT 'b'`, ['error enum-value-in-transaction']],
    [`ALTER TYPE mood ADD VALUE 'b'`, ['error enum-value-in-transaction'], { version: 11 }],
    [`ALTER TYPE mood ADD VALUE 'b'`, [], { version: 12 }],
    ['WITH gone AS (DELETE FROM orders RETURNING *) SELECT count(*) FROM gone', ['warning delete-all']],
    ['UPDATE orders SET n = 1 WHERE true', ['warning update-all']],
    ['DELETE FROM orders WHERE 1 = 1', ['warning delete-all']],
    ['BEGIN; ALTER TABLE orders ADD x int', ['error open-transaction']],
  ]);
});

describe('what the old version meets', () => {
  check([
    ['ALTER TABLE orders DROP COLUMN id', ['warning drop-column', 'warning drop-primary-key']],
    ['ALTER TABLE orders REPLICA IDENTITY NOTHING', ['warning replica-identity']],
    ['ALTER TABLE orders ENABLE ROW LEVEL SECURITY', ['warning row-security']],
    ['ALTER SEQUENCE s RESTART WITH 1', ['warning restart-sequence']],
    ['DROP OWNED BY bob', ['warning drop-cascade']],
    ['ALTER TABLE orders ADD COLUMN x int NOT NULL DEFAULT NULL', ['error required-column']],
    ['ALTER TABLE orders DROP COLUMN note, ADD COLUMN remark text', ['warning drop-column', 'warning looks-renamed']],
  ]);
});

describe('what a version lacks', () => {
  check([
    ['ALTER TABLE orders ADD CONSTRAINT c NOT NULL note NOT VALID', ['error not-in-version']],
    ['ALTER TABLE orders ADD CONSTRAINT c NOT NULL note NOT VALID', [], { version: 18 }],
    ['ALTER TABLE orders ADD x int GENERATED ALWAYS AS (n * 2)', ['error not-in-version'], { version: 17 }],
    ['REINDEX TABLE CONCURRENTLY orders', ['error not-in-version'], { version: 11 }],
    ['MERGE INTO orders o USING customers c ON o.customer = c.id WHEN MATCHED THEN DELETE', ['error not-in-version'], { version: 14 }],
    ['CREATE INDEX CONCURRENTLY i ON orders (n)', ['error index-may-be-corrupt'], { version: 14, minor: 3 }],
    ['CREATE INDEX CONCURRENTLY i ON orders (n)', [], { version: 14, minor: 4 }],
    ['REINDEX INDEX CONCURRENTLY orders_n', ['error index-may-be-corrupt'], { version: 14, minor: 0 }],
  ]);
});

describe('in bodies', () => {
  const block = (body: string): string => `DO $$ ${body} $$`;
  check([
    [block(`BEGIN EXECUTE format('CREATE INDEX %I ON %I.%I (n)', 'i', 'public', 'orders'); END`), ['warning create-index']],
    [block(`BEGIN EXECUTE 'ALTER TABLE ' || quote_ident('orders') || ' ALTER note SET NOT NULL'; END`), ['error set-not-null']],
    [
      block(`DECLARE t CONSTANT text := 'orders'; BEGIN EXECUTE format('ALTER TABLE %1$I ADD CHECK (n > %2$s)', t, 0); END`),
      ['error add-check'],
    ],
    [
      block(
        `DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['orders', 'customers'] LOOP EXECUTE format('CREATE INDEX %I ON %I (id)', t || '_i', t); END LOOP; END`,
      ),
      ['warning create-index', 'warning create-index', 'warning several-locks'],
    ],
    [
      block(
        `DECLARE t text; names text[] := ARRAY['orders', 'customers']; what text := 'CREATE INDEX ON %I (id)'; BEGIN FOREACH t IN ARRAY names LOOP EXECUTE format(what, t); END LOOP; END`,
      ),
      ['warning create-index', 'warning create-index', 'warning several-locks'],
    ],
    [block(`DECLARE r record; BEGIN FOR r IN UPDATE orders SET n = 1 RETURNING id LOOP NULL; END LOOP; END`), ['warning update-all']],
    [block(`DECLARE r record; BEGIN FOR r IN EXECUTE 'DELETE FROM orders RETURNING id' LOOP NULL; END LOOP; END`), ['warning delete-all']],
    [
      `CREATE FUNCTION f() RETURNS SETOF int LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY UPDATE orders SET n = 1 RETURNING id; END $$; SELECT f()`,
      ['warning update-all'],
    ],
    [block(`BEGIN EXECUTE $x$DROP TABLE orders$x$; EXCEPTION WHEN undefined_table THEN NULL; END`), ['warning drop-table']],
    [block(`BEGIN IF NOT EXISTS (SELECT FROM pg_class) THEN ALTER TABLE orders ADD CHECK (n > 0); END IF; END`), ['error add-check']],
    [
      'CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN CREATE INDEX ON orders (n); END $$; CALL p()',
      ['warning create-index'],
      { transactions: 'statement' },
    ],
  ]);

  test('what only the body knows is told', async () => {
    const loop = `BEGIN FOR t IN SELECT tablename FROM pg_tables LOOP EXECUTE 'DROP TABLE ' || t; END LOOP; END`;
    const made = `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE t text; ${loop} $$`;
    for (const sql of [
      block(`BEGIN EXECUTE format('DROP TABLE %I', current_user); END`),
      block(`DECLARE t text; ${loop}`),
      block(`DECLARE r record; BEGIN FOR r IN EXECUTE 'DELETE FROM ' || current_user LOOP NULL; END LOOP; END`),
      block(`DECLARE t text := 'a'; BEGIN t := 'orders'; EXECUTE 'DROP TABLE ' || t; END`),
      block(`DECLARE t text := 'a'; BEGIN SELECT relname INTO t FROM pg_class; EXECUTE 'DROP TABLE ' || t; END`),
      block(`DECLARE t text := 'a'; BEGIN EXECUTE 'SELECT 1' INTO t; EXECUTE 'DROP TABLE ' || t; END`),
      block(`DECLARE t text := 'a'; BEGIN GET DIAGNOSTICS t = ROW_COUNT; EXECUTE 'DROP TABLE ' || t; END`),
      block(`DECLARE t text := 'a'; BEGIN FOR t IN SELECT relname FROM pg_class LOOP EXECUTE 'DROP TABLE ' || t; END LOOP; END`),
      block(`DECLARE t text := 'a'; BEGIN DECLARE t text := current_user; BEGIN EXECUTE 'DROP TABLE ' || t; END; END`),
      block(
        `DECLARE t text; l text[] := ARRAY['a']; BEGIN l[1] := current_user; FOREACH t IN ARRAY l LOOP EXECUTE 'DROP TABLE ' || t; END LOOP; END`,
      ),
      block(`DECLARE c refcursor; t text := 'a'; BEGIN FETCH c INTO t; EXECUTE 'DROP TABLE ' || t; END`),
      block(`DECLARE t text := 'a'; BEGIN CALL q(t); EXECUTE 'DROP TABLE ' || t; END`),
      block(`DECLARE t text := 'a'; BEGIN GET STACKED DIAGNOSTICS t = MESSAGE_TEXT; EXECUTE 'DROP TABLE ' || t; END`),
      `DO LANGUAGE plpython3u $$ x $$`,
      `${made}; SELECT f()`,
      [made, 'SELECT f()'],
    ]) {
      const { verdict, findings } = await judge(sql);
      expect({ verdict, rules: ruled(findings) }).toMatchObject({
        verdict: 'unknown',
        rules: expect.arrayContaining(['warning hidden-sql']) as string[],
      });
    }
    // Nobody knows when, and whether, it is called.
    const { verdict, findings } = await judge(made);
    expect({ verdict, rules: ruled(findings, true) }).toEqual({ verdict: 'pass', rules: ['notice hidden-sql'] });
  });
});

describe('what reaches beyond the database', () => {
  const reaches = ['warning beyond-database'];
  check([
    ['ALTER SYSTEM SET fsync = off', reaches],
    [`COPY (SELECT 1) TO PROGRAM 'cat'`, reaches],
    [`COPY orders FROM '/tmp/orders.csv'`, reaches],
    ['COPY orders TO STDOUT', []],
    ['SELECT pg_terminate_backend(pid) FROM pg_stat_activity', reaches],
    [`DO $$ BEGIN PERFORM pg_cancel_backend(1); END $$`, reaches],
    ['CREATE ROLE reader', reaches],
    ['SELECT pg_backend_pid()', []],
  ]);
});

describe('a table under its new name', () => {
  check([
    [
      'ALTER TABLE customers RENAME TO clients; ALTER TABLE clients RENAME COLUMN email TO mail',
      ['warning rename-table', 'warning rename-column'],
    ],
    [
      'ALTER TABLE customers RENAME TO clients; ALTER TABLE orders ALTER COLUMN note SET DEFAULT 1',
      ['warning rename-table', 'warning several-locks'],
    ],
  ]);
});

test('a transaction that goes over several files keeps its locks, and what it made is nobody’s yet', async () => {
  const sql = [
    '',
    'ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID; CREATE TABLE t (id int)',
    'ALTER TABLE orders VALIDATE CONSTRAINT c; CREATE INDEX ON t (id)',
  ];
  const files = sql.map((text, index) => ({
    name: `${index}.sql`,
    text,
    direction: 'up' as const,
    transactions: 'file' as const,
    gaps: [],
  }));
  const rules = async (together?: number): Promise<readonly string[]> => {
    const all = await lintFiles({
      files,
      options: { version: 15, utc: null, sizes: new Map() },
      limited: true,
      ...(together === undefined ? {} : { together }),
    });
    return ruled(all.at(-1)?.findings ?? []);
  };
  expect(await rules(1)).toEqual(['error validate-together', 'warning work-under-lock']);
  expect(await rules()).toEqual(['warning create-index']);
});
