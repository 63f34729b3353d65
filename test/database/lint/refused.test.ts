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
