import { describe, expect, test } from 'vitest';
import { judge, ruled, type Setting } from './support.ts';

/** Tables that were made long before, so that their age says nothing about their size. */
const TABLES = `CREATE TABLE orders (id bigint PRIMARY KEY, n int, note text, customer bigint);
  CREATE TABLE customers (id bigint PRIMARY KEY, email text UNIQUE); CREATE INDEX orders_n ON orders (n)`;
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

describe('what only a newer server takes', () => {
  const refused = ['error not-in-version'];
  const cases: readonly (readonly [before: number, sql: string])[] = [
    [14, 'CREATE OR REPLACE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f()'],
    [14, 'CREATE FUNCTION g() RETURNS int RETURN 1'],
    [14, 'ALTER TABLE orders ADD COLUMN x text COMPRESSION lz4'],
    [15, 'CREATE UNIQUE INDEX CONCURRENTLY u ON orders (n) NULLS NOT DISTINCT'],
    [15, 'CREATE VIEW v WITH (security_invoker = true) AS SELECT 1'],
    [15, 'CREATE TABLE t (a bigint, b bigint REFERENCES orders, FOREIGN KEY (a) REFERENCES orders ON DELETE SET NULL (a))'],
    [16, 'SELECT n FROM (SELECT 1 AS n)'],
    [16, 'CREATE TABLE t (a text STORAGE plain)'],
    [18, 'ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT ENFORCED'],
    [18, 'CREATE TABLE t (a int CHECK (a > 0) NOT ENFORCED)'],
    [18, 'CREATE TABLE t (a int4range, PRIMARY KEY (a WITHOUT OVERLAPS))'],
    [18, 'CREATE TABLE p (o bigint) PARTITION BY LIST (o); ALTER TABLE p ADD CONSTRAINT f FOREIGN KEY (o) REFERENCES customers NOT VALID'],
  ];
  check(cases.map(([since, sql]) => [sql, refused, { version: since - 1 }]));
  check(cases.map(([since, sql]) => [sql, [], { version: since }]));
  check([['CREATE TABLE t (a int CHECK (a > 0)); SELECT n FROM (SELECT 1 AS n) AS one', [], { version: 11 }]]);
});

describe('what must stand alone, in code', () => {
  const refused = ['error index-in-transaction'];
  check([
    ['DO $$ BEGIN CREATE INDEX CONCURRENTLY i ON orders (n); END $$', refused, { transactions: 'statement' }],
    [`DO $$ BEGIN EXECUTE 'VACUUM orders'; END $$`, refused],
    ['CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN REINDEX TABLE CONCURRENTLY orders; END $$; CALL p()', refused],
    ['CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN DROP INDEX CONCURRENTLY orders_n; END $$', ['warning index-in-transaction']],
  ]);
});

describe('a new value of an enum, in code', () => {
  const refused = ['error enum-value-in-transaction'];
  const MOOD = `CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (m mood)`;
  const add = (sql: string): readonly string[] => [MOOD, `ALTER TYPE mood ADD VALUE 'b'; ${sql}`];
  const inSql = `CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ INSERT INTO t (m) VALUES ('b') $$`;
  const inPlpgsql = `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t (m) VALUES ('b'); END $$`;
  check([
    // A body in SQL is read when it is made, one in PL/pgSQL when it is called.
    [add(inSql), refused],
    [add(`CREATE FUNCTION f() RETURNS mood LANGUAGE sql RETURN 'b'::mood`), refused],
    [add(`CREATE FUNCTION f(m mood DEFAULT 'b') RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$`), refused],
    [add(inPlpgsql), []],
    [add(`SET LOCAL check_function_bodies = off; ${inSql}`), []],
    [add(`${inPlpgsql}; SELECT f()`), refused],
    [[MOOD, `${inPlpgsql}; ALTER TYPE mood ADD VALUE 'b'; DO $$ BEGIN PERFORM f(); END $$`], refused],
    [[MOOD, inPlpgsql, `ALTER TYPE mood ADD VALUE 'b'; SELECT f()`], refused],
    [[MOOD, `ALTER TYPE mood ADD VALUE 'b'`, `${inSql}; SELECT f()`], []],
    // A text is no value of it.
    [
      [
        `CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (m mood, n text)`,
        `ALTER TYPE mood ADD VALUE 'b'; INSERT INTO t (n, m) VALUES ('b', 'a')`,
      ],
      [],
    ],
    [
      [
        `CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (m mood, n text)`,
        `ALTER TYPE mood ADD VALUE 'b'; INSERT INTO t (n, m) VALUES ('b', 'b')`,
      ],
      refused,
    ],
    [
      [
        `CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (m mood, n text)`,
        `ALTER TYPE mood ADD VALUE 'b'; UPDATE t SET n = 'b' WHERE n = 'a'`,
      ],
      [],
    ],
    // What is there already is not new.
    [[MOOD, `ALTER TYPE mood ADD VALUE IF NOT EXISTS 'a'; INSERT INTO t (m) VALUES ('a')`], []],
    [[MOOD, `ALTER TYPE mood ADD VALUE 'b'`, `ALTER TYPE mood ADD VALUE IF NOT EXISTS 'b'; INSERT INTO t (m) VALUES ('b')`], []],
  ]);
});

describe('COMMIT in code', () => {
  const [refused, perhaps] = [['error refused-commit'], ['warning refused-commit']];
  const alone = { transactions: 'statement' } as const;
  const body = (sql: string): string => `LANGUAGE plpgsql AS $$ BEGIN ${sql} END $$`;
  const made = `CREATE PROCEDURE p() ${body('COMMIT;')}; CREATE PROCEDURE q() ${body('CALL p();')}; CREATE FUNCTION f() RETURNS void ${body('CALL p();')}`;
  check([
    ['DO $$ BEGIN COMMIT; END $$', refused],
    ['DO $$ BEGIN ROLLBACK; END $$', refused],
    ['DO $$ BEGIN COMMIT; END $$', [], alone],
    ['SELECT 1; DO $$ BEGIN COMMIT; END $$', refused, { transactions: 'string' }],
    ['DO $$ BEGIN COMMIT; END $$', [], { transactions: 'string' }],
    ['BEGIN; DO $$ BEGIN COMMIT; END $$; END', refused, alone],
    ['DO $$ BEGIN IF now() > now() THEN COMMIT; END IF; END $$', perhaps],
    ['DO $$ BEGIN DO $x$ BEGIN COMMIT; END $x$; END $$', refused],
    ['DO $$ BEGIN COMMIT; EXCEPTION WHEN others THEN NULL; END $$', perhaps, alone],
    ['DO $$ BEGIN PERFORM 1; EXCEPTION WHEN others THEN COMMIT; END $$', [], alone],
    ['DO $$ BEGIN BEGIN NULL; EXCEPTION WHEN others THEN NULL; END; COMMIT; END $$', [], alone],
    // With EXECUTE PostgreSQL refuses them wherever it is run.
    [`DO $$ BEGIN EXECUTE 'COMMIT'; END $$`, refused, alone],
    [`DO $$ BEGIN EXECUTE 'SAVEPOINT a'; END $$`, refused, alone],
    [[made, `DO $$ BEGIN EXECUTE 'CALL q()'; END $$`], refused, alone],
    [[made, 'CALL p()'], refused],
    [[made, 'CALL p()'], [], alone],
    [[made, 'CALL q()'], refused],
    [[made, 'CALL q()'], [], alone],
    [[made, 'DO $$ BEGIN CALL q(); END $$'], refused],
    [[made, 'DO $$ BEGIN CALL q(); END $$'], [], alone],
    [[made, 'SELECT f()'], refused, alone],
    [[made, 'DO $$ BEGIN PERFORM f(); END $$'], refused, alone],
    [[made, 'SELECT f() FROM orders WHERE n > 3'], perhaps, alone],
    [`CREATE FUNCTION g() RETURNS void ${body('COMMIT;')}`, perhaps],
    [`CREATE PROCEDURE g() SET search_path = public ${body('COMMIT;')}`, perhaps],
    [`CREATE PROCEDURE g() SECURITY DEFINER ${body('COMMIT;')}`, perhaps],
    [`CREATE PROCEDURE g() ${body('COMMIT;')}`, []],
    [[`CREATE PROCEDURE g() SECURITY DEFINER ${body('COMMIT;')}`, 'CALL g()'], refused, alone],
    [`CREATE PROCEDURE g() LANGUAGE sql AS $$ COMMIT $$`, perhaps],
  ]);
});

describe('COMMIT of nothing', () => {
  const told = ['warning no-transaction'];
  const alone = { transactions: 'statement' } as const;
  check([
    ['BEGIN; SELECT 1; COMMIT; COMMIT', told, alone],
    ['BEGIN; SELECT 1; COMMIT; ROLLBACK', told],
    ['SELECT 1; COMMIT', told, alone],
    ['BEGIN; SELECT 1; COMMIT; BEGIN; END', [], alone],
    ['BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 2; COMMIT', [], alone],
    ['BEGIN; SELECT 1; SAVEPOINT a; ROLLBACK TO a; COMMIT', [], alone],
    // In one string they are one transaction, which it ends.
    ['SELECT 1; COMMIT; SELECT 2', [], { transactions: 'string' }],
  ]);
});

describe('CALL in code', () => {
  const procedure = 'CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE orders ALTER n SET NOT NULL; END $$';
  check([
    [[procedure, 'DO $$ BEGIN CALL p(); END $$'], ['error set-not-null']],
    [`${procedure}; DO $$ BEGIN CALL p(); END $$`, ['error set-not-null']],
    [procedure, ['warning set-not-null']],
  ]);
});
