import { describe, expect, test } from 'vitest';
import { lint, ofRule, ruled } from './support.ts';

const MADE = `CREATE TABLE t (id bigint PRIMARY KEY, a int); CREATE VIEW v AS SELECT a FROM t; CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
  CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE c AS (x int); CREATE SEQUENCE s; CREATE DOMAIN d AS int; CREATE INDEX i ON t (a);`;

/** As a later file does it. */
const later = async (sql: string) => ruled(await lint([MADE, ...Array.from({ length: 11 }, () => ''), sql]), true);

describe('what is no table is changed', () => {
  test.each([
    ['ALTER VIEW v SET SCHEMA x', 'warning set-schema'],
    ['ALTER MATERIALIZED VIEW m SET SCHEMA x', 'warning set-schema'],
    ['ALTER FUNCTION f() SET SCHEMA x', 'notice set-schema'],
    ['ALTER TYPE c SET SCHEMA x', 'notice set-schema'],
    ['ALTER SEQUENCE s SET SCHEMA x', 'notice set-schema'],
    ['ALTER DOMAIN d SET SCHEMA x', 'notice set-schema'],
    ['ALTER FUNCTION f() SECURITY DEFINER', 'notice replace-object'],
    ['ALTER ROUTINE f() SET search_path TO x', 'notice replace-object'],
    ['ALTER VIEW v SET (security_barrier = true)', 'notice changes-writes'],
    ['ALTER VIEW v ALTER COLUMN a SET DEFAULT 1', 'notice set-default'],
    ['ALTER VIEW v ALTER COLUMN a DROP DEFAULT', 'notice drop-default'],
    ['ALTER FOREIGN TABLE ft ALTER COLUMN a DROP DEFAULT', 'notice drop-default'],
    ['ALTER FOREIGN TABLE ft ALTER COLUMN a SET NOT NULL', 'notice new-constraint'],
    ['ALTER FOREIGN TABLE ft DROP COLUMN a', 'warning drop-column'],
    ['ALTER TYPE c ADD ATTRIBUTE y int', 'notice changes-writes'],
    ['ALTER TYPE c DROP ATTRIBUTE x', 'warning drop-column'],
    ['ALTER TYPE c RENAME ATTRIBUTE x TO y', 'warning rename-column'],
    ['ALTER SEQUENCE s INCREMENT BY 2', 'notice set-default'],
    [`ALTER EXTENSION postgis UPDATE TO '3.4.0'`, 'notice replace-object'],
    ['ALTER DOMAIN d DROP DEFAULT', 'notice drop-default'],
    ['ALTER DOMAIN d SET DEFAULT 1', 'notice set-default'],
    ['ALTER DOMAIN d DROP NOT NULL', 'notice drop-not-null'],
    ['ALTER DOMAIN d DROP CONSTRAINT k', 'notice drop-constraint'],
    ['ALTER TABLE t DETACH PARTITION p CONCURRENTLY', 'notice changes-writes'],
    ['ALTER TABLE t NO INHERIT p', 'notice changes-writes'],
    ['DROP INDEX CONCURRENTLY i', 'notice drop-object'],
    ['ALTER TABLE t ALTER CONSTRAINT k NOT ENFORCED', 'notice drop-constraint'],
    ['DROP TABLE t', 'notice no-schema'],
  ])('%s: %s', async (sql, rule) => {
    expect(await later(sql)).toContain(rule);
  });

  test.each([
    ['CREATE SEQUENCE s; ALTER SEQUENCE s RESTART WITH 1; ALTER SEQUENCE s INCREMENT BY 2'],
    ['CREATE TYPE c AS (x int); ALTER TYPE c ADD ATTRIBUTE y int'],
    ['CREATE TABLE public.t (id bigint PRIMARY KEY, a text); CREATE INDEX i ON t (a); DROP INDEX i'],
    [`CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() SECURITY DEFINER`],
    ['CREATE VIEW v AS SELECT 1 AS a; ALTER VIEW v SET (security_barrier = true); ALTER VIEW v SET SCHEMA x'],
    ['ALTER SEQUENCE s OWNED BY NONE'],
  ])('%s: nobody has it yet, or notices', async (sql) => {
    const found = (await lint(sql)).filter(({ category }) => category === 'old version');
    expect(found).toEqual([]);
  });
});

describe('named twice', () => {
  const twice = async (sql: string) => ruled(await lint(sql)).filter((one) => one.endsWith('assigned-twice'));

  test.each([
    'CREATE TABLE t (a bigint, a text)',
    'CREATE FOREIGN TABLE t (a bigint, a text) SERVER s',
    'CREATE VIEW v (a, a) AS SELECT 1, 2',
    'CREATE TABLE t (a bigint, PRIMARY KEY (a, a))',
    'ALTER TABLE t ADD UNIQUE (a, a)',
    'UPDATE t SET a = ROW(1, 2), a.x = 3',
    'INSERT INTO t (a, a.x) VALUES (ROW(1, 2), 3)',
  ])('%s is refused', async (sql) => {
    expect(await twice(sql)).toEqual(['error assigned-twice']);
  });

  test.each([
    'UPDATE t SET a.x = 1, a.y = 2',
    'UPDATE t SET a[1] = 1, a[2] = 2',
    'INSERT INTO t (a.x, a.y) VALUES (1, 2)',
    'CREATE VIEW v (a, b) AS SELECT 1 AS a, 2 AS a',
  ])('%s is taken', async (sql) => {
    expect(await twice(sql)).toEqual([]);
  });
});

describe('what the words of a statement say', () => {
  test('an option that is off is none', async () => {
    const found = async (sql: string) => (await lint(sql, { limited: false })).map(({ rule }) => rule);
    expect(await found('REINDEX (CONCURRENTLY false) TABLE t')).toEqual(expect.arrayContaining(['reindex', 'lock-timeout']));
    expect(await found('REINDEX (CONCURRENTLY) TABLE t')).not.toContain('lock-timeout');
    expect(await found('REINDEX (CONCURRENTLY false) TABLE t; SELECT 1')).not.toContain('index-in-transaction');
  });

  test('a name is measured as PostgreSQL cuts it', async () => {
    const long = async (name: string) => ofRule(await lint(`CREATE TABLE public."${name}" (id bigint PRIMARY KEY)`), 'long-name').length;
    expect(await Promise.all([long('é'.repeat(31)), long('é'.repeat(32))])).toEqual([0, 1]);
    expect(await Promise.all([long(`${'x'.repeat(62)}""`), long(`${'x'.repeat(63)}""`)])).toEqual([0, 1]);
  });

  test('a primary key may come later in the file', async () => {
    const keyless = async (sql: string) => ofRule(await lint(sql), 'no-primary-key').length;
    expect(await keyless('CREATE TABLE t (id bigint); ALTER TABLE t ADD PRIMARY KEY (id)')).toBe(0);
    expect(await keyless('CREATE TABLE t (id bigint); ALTER TABLE t RENAME TO u; ALTER TABLE u ADD PRIMARY KEY (id)')).toBe(0);
    expect(await keyless('CREATE TABLE t (id bigint); ALTER TABLE u ADD PRIMARY KEY (id)')).toBe(1);
    expect(await keyless('DO $$ BEGIN CREATE TABLE t (id bigint); END $$')).toBe(1);
  });

  test('a constraint that nobody saw may say that a column has no NULL', async () => {
    const [known] = ofRule(await lint('ALTER TABLE t VALIDATE CONSTRAINT k; ALTER TABLE t ALTER a SET NOT NULL'), 'set-not-null');
    const [perhaps] = ofRule(
      await lint('ALTER TABLE t VALIDATE CONSTRAINT t_a_present; ALTER TABLE t ALTER a SET NOT NULL'),
      'set-not-null',
    );
    expect(known).toMatchObject({ severity: 'error', certainty: 'known' });
    expect(perhaps).toMatchObject({ certainty: 'unknown', message: expect.stringContaining('unless the constraint') as unknown });
  });

  test('reading while writers wait is worth a notice', async () => {
    const sql = 'CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); SELECT count(*) FROM t';
    expect(ofRule(await lint(sql), 'work-under-lock')).toMatchObject([
      { severity: 'notice', message: expect.stringContaining('writers') as unknown },
    ]);
    expect(ofRule(await lint(sql, { transactions: 'statement' }), 'work-under-lock')).toEqual([]);
  });
});
