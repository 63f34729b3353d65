import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSql } from '../parser.ts';
import { classify } from './rollback-class.ts';
import type { RollbackClass, Statement } from './types.ts';

async function statementsOf(sql: string): Promise<readonly Statement[]> {
  const parsed = await parseSql(sql);
  if (!parsed.ok) throw new Error(`${parsed.message} in ${sql}`);
  return parsed.statements;
}

const ADDITIVE = [
  'CREATE TABLE t (id serial PRIMARY KEY, n int NOT NULL CHECK (n > 0), u int REFERENCES users)',
  'CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)',
  'CREATE INDEX i ON users (name)',
  'CREATE INDEX CONCURRENTLY i ON users (name)',
  'CREATE SEQUENCE s',
  'CREATE VIEW v AS SELECT 1',
  'CREATE MATERIALIZED VIEW v AS SELECT 1 AS x',
  "CREATE TYPE e AS ENUM ('a')",
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  'CREATE EXTENSION IF NOT EXISTS pgcrypto',
  'CREATE SCHEMA s',
  'ALTER TABLE users ADD COLUMN n int',
  'ALTER TABLE users ADD COLUMN n int NOT NULL DEFAULT 3',
  'ALTER TABLE users ADD COLUMN n bigserial NOT NULL',
  'ALTER TABLE users ADD COLUMN n int GENERATED ALWAYS AS IDENTITY',
  'ALTER TABLE users ADD COLUMN n int UNIQUE',
  'ALTER TABLE users ADD COLUMN n int REFERENCES orders',
  'ALTER TABLE users VALIDATE CONSTRAINT c',
  "COMMENT ON TABLE users IS 'people'",
  "ALTER TYPE e ADD VALUE 'b'",
  'GRANT SELECT ON users TO reader',
  "ALTER TABLE users ADD COLUMN t timestamptz NOT NULL DEFAULT now() + interval '1 day'",
  "ALTER TABLE users ADD COLUMN j jsonb NOT NULL DEFAULT '{}'::jsonb, ADD COLUMN id2 uuid NOT NULL DEFAULT gen_random_uuid(), ADD COLUMN n int NOT NULL DEFAULT -1",
  'ALTER TABLE users ADD COLUMN low text GENERATED ALWAYS AS (lower(mail)) STORED',
  "CREATE INDEX i ON users (lower(mail), (data ->> 'x')) WHERE deleted_at IS NULL AND kind = 'a'::text",
  "CREATE INDEX i ON users USING gin (to_tsvector('english', body))",
  'CREATE TABLE t AS SELECT id, count(*) AS n, max(at) FROM users GROUP BY id',
  'REFRESH MATERIALIZED VIEW v',
  'ALTER TABLE users REPLICA IDENTITY FULL',
  'CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF parts FOR VALUES IN (1); INSERT INTO part VALUES (1)',
  'CREATE TEMP TABLE users (id int); DELETE FROM users',
  "SET lock_timeout = '1s'",
  "SELECT set_config('a.b', 'c', false)",
  'SELECT 1',
  'CREATE SEQUENCE s2; SELECT setval($$s2$$, 5)',
  'ANALYZE users',
  'CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (f(id)); ALTER POLICY p ON t USING (id > 0); INSERT INTO t VALUES (1)',
  'CREATE TABLE t (id int); CREATE UNIQUE INDEX ON t (id); INSERT INTO t VALUES (1); UPDATE t SET id = 2; ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)',
  // NULL keeps them, and the old version writes nothing else into a new column.
  'ALTER TABLE users ADD COLUMN n int; CREATE UNIQUE INDEX ON users (n, name)',
  'ALTER TABLE users ADD COLUMN n int; ALTER TABLE users ADD CONSTRAINT f FOREIGN KEY (n, id) REFERENCES orders NOT VALID',
  'ALTER TABLE users ADD COLUMN n int, ADD COLUMN m int, ADD UNIQUE (n, m), ADD FOREIGN KEY (n, m) REFERENCES orders MATCH FULL',
  "ALTER TABLE users ADD COLUMN n text CHECK (n IN ('a', 'b') AND n <> 'c' AND n BETWEEN 'a' AND 'z')",
  'ALTER TABLE users ADD COLUMN n int; ALTER TABLE users ADD CONSTRAINT c CHECK (n > 0 OR NOT n = -1)',
  'CREATE TEMP TABLE t AS SELECT id FROM users; TRUNCATE t; DROP TABLE t',
  'ALTER DOMAIN d VALIDATE CONSTRAINT c',
];

const REVERSIBLE = [
  'ALTER TABLE users ADD COLUMN n int NOT NULL',
  'ALTER TABLE users ADD COLUMN n int NOT NULL DEFAULT NULL',
  'ALTER TABLE users ADD COLUMN n int CHECK (n IS NOT NULL)',
  'ALTER TABLE users ADD COLUMN n int UNIQUE DEFAULT 3',
  'ALTER TABLE users ADD COLUMN n int NOT NULL DEFAULT NULL::int',
  'ALTER TABLE users ADD COLUMN n int NOT NULL DEFAULT nullif(1, 1)',
  'ALTER TABLE users ADD COLUMN n int NOT NULL GENERATED ALWAYS AS (a) STORED',
  'ALTER TABLE users ADD COLUMN n int UNIQUE GENERATED ALWAYS AS (a) STORED',
  'ALTER TABLE users ADD COLUMN n int UNIQUE NULLS NOT DISTINCT',
  'ALTER TABLE users ADD COLUMN n int GENERATED ALWAYS AS (1 / a) STORED',
  "CREATE INDEX i ON users (((data ->> 'age')::int))",
  'CREATE INDEX i ON users (a) WHERE 1 / a > 1',
  'CREATE INDEX i ON users (own_function(a))',
  'CREATE TABLE child () INHERITS (users)',
  'CREATE TABLE part PARTITION OF users (CHECK (a > 5)) FOR VALUES IN (1)',
  'CREATE TABLE part PARTITION OF users FOR VALUES IN (1); ALTER TABLE part ADD CHECK (a > 5)',
  'CREATE TABLE part PARTITION OF users FOR VALUES IN (1); INSERT INTO part VALUES (1)',
  'CREATE TABLE t (id int) PARTITION BY LIST (id); ALTER TABLE t ATTACH PARTITION users FOR VALUES IN (1)',
  'CREATE TABLE t (id int); CREATE TRIGGER tr BEFORE INSERT ON t EXECUTE FUNCTION f(); INSERT INTO t VALUES (1)',
  'CREATE POLICY p ON users USING (id > 0)',
  'CREATE TABLE IF NOT EXISTS t (id int); CREATE POLICY p ON t USING (id > 0)',
  'CREATE TABLE t (id int); CREATE POLICY p ON t USING (f(id)); ALTER TABLE t FORCE ROW LEVEL SECURITY; INSERT INTO t VALUES (1)',
  "CREATE TABLE t (id int); SELECT set_config('search_path', 'other', false); CREATE UNIQUE INDEX ON t (id)",
  'CREATE TABLE t (id int); RESET ALL; CREATE UNIQUE INDEX ON t (id)',
  'REFRESH MATERIALIZED VIEW v WITH NO DATA',
  'CREATE PUBLICATION p FOR ALL TABLES',
  'ALTER TABLE users REPLICA IDENTITY NOTHING',
  'ALTER SEQUENCE s OWNED BY users.id',
  'ALTER TABLE users ADD COLUMN a int, ALTER COLUMN b SET NOT NULL',
  'ALTER TABLE users ADD CONSTRAINT c CHECK (a > 0) NOT VALID',
  'ALTER TABLE users ALTER COLUMN a SET NOT NULL',
  'ALTER TABLE users ALTER COLUMN a DROP DEFAULT',
  'ALTER TABLE users ALTER COLUMN a TYPE text',
  'ALTER TABLE users RENAME COLUMN a TO b',
  'ALTER TABLE users RENAME TO people',
  'ALTER TABLE users ENABLE ROW LEVEL SECURITY',
  'CREATE UNIQUE INDEX i ON users (name)',
  'CREATE UNIQUE INDEX CONCURRENTLY i ON users (name)',
  'CREATE OR REPLACE VIEW v AS SELECT 1',
  'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  'CREATE TRIGGER tr BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()',
  'INSERT INTO users VALUES (1)',
  'REVOKE SELECT ON users FROM reader',
  'DROP INDEX i',
  'DROP VIEW v',
  "ALTER TYPE e RENAME VALUE 'a' TO 'b'",
  // With IF NOT EXISTS the table may be an old one with live writers.
  'CREATE TABLE IF NOT EXISTS t (id int); CREATE UNIQUE INDEX ON t (id)',
  'CREATE TABLE t (id int); SET search_path = other; CREATE UNIQUE INDEX ON t (id)',
  'ALTER TABLE users ADD COLUMN IF NOT EXISTS n int; CREATE UNIQUE INDEX ON users (n)',
  'ALTER TABLE users ADD COLUMN n int; CREATE UNIQUE INDEX ON users (n) NULLS NOT DISTINCT',
  'ALTER TABLE users ADD COLUMN n int; CREATE UNIQUE INDEX ON users (coalesce(n, 0))',
  'ALTER TABLE users ADD COLUMN n int; ALTER TABLE users ALTER n SET DEFAULT 1; CREATE UNIQUE INDEX ON users (n)',
  'ALTER TABLE users ADD COLUMN n int, ALTER n SET DEFAULT 1, ADD UNIQUE (n)',
  'ALTER TABLE users ADD COLUMN n int; CREATE TRIGGER tr BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f(); CREATE UNIQUE INDEX ON users (n)',
  'ALTER TABLE users ADD COLUMN n int; ALTER TABLE users RENAME TO people; CREATE UNIQUE INDEX ON users (n)',
  'ALTER TABLE users ADD COLUMN n bigserial; ALTER TABLE users ADD FOREIGN KEY (n) REFERENCES orders',
  'ALTER TABLE users ADD COLUMN n int, ADD FOREIGN KEY (n, id) REFERENCES orders MATCH FULL',
  'ALTER TABLE users ADD COLUMN n int CHECK (n > 0 OR n IS NOT NULL)',
  'ALTER TABLE users ADD COLUMN n int CHECK (coalesce(n, 0) > 0)',
  'ALTER TABLE users ADD COLUMN n int CHECK (n > 0 OR id < 5)',
  'ALTER TABLE users ADD COLUMN n int CHECK (n IS DISTINCT FROM NULL)',
  'ALTER TABLE users ADD COLUMN n int DEFAULT 3 CHECK (n > 3)',
  'ALTER DOMAIN d ADD CHECK (VALUE > 0)',
  'ALTER DOMAIN d DROP CONSTRAINT c',
];

const RESTORE = [
  'DROP TABLE users',
  'ALTER TABLE users DROP COLUMN a',
  'TRUNCATE users',
  'DELETE FROM users WHERE id = 1',
  'UPDATE users SET a = 1',
  'MERGE INTO users u USING x ON u.id = x.id WHEN MATCHED THEN DELETE',
  'INSERT INTO users VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1',
  'ALTER TABLE users ALTER COLUMN a TYPE varchar(10)',
  'ALTER TABLE users ALTER COLUMN a TYPE int USING a::int',
  'ALTER TABLE users ALTER COLUMN a TYPE other.text',
  'ALTER TABLE users ADD COLUMN n int DEFAULT own_function()',
  'ALTER SEQUENCE s RESTART',
  'ALTER TABLE users ALTER COLUMN id RESTART WITH 5',
  'ALTER TABLE users ALTER COLUMN id DROP IDENTITY',
  'CREATE TABLE t AS SELECT own_function()',
  'CREATE MATERIALIZED VIEW v AS SELECT own_function()',
  'INSERT INTO users SELECT own_function()',
  'CREATE TABLE t (id int); UPDATE t SET id = own_function()',
  'SELECT other.count(1)',
  'DROP VIEW v CASCADE',
  'DROP SCHEMA s',
  'DO $$ BEGIN END $$',
  'CALL p()',
  'SELECT setval($$s$$, 1)',
  "SELECT setval(pg_get_serial_sequence('users', 'id'), 5)",
  'SELECT * INTO t FROM users',
  'WITH d AS (DELETE FROM users RETURNING *) SELECT * FROM d',
  'CREATE TABLE t (id int); WITH d AS (DELETE FROM users RETURNING id) INSERT INTO t SELECT id FROM d',
  'CREATE TABLE t (id int); WITH d AS (DELETE FROM users RETURNING id) UPDATE t SET id = 1 FROM d',
  'ALTER SYSTEM SET work_mem = $$1MB$$',
  'DROP ROLE r',
];

describe('from the statements alone', () => {
  test.each(ADDITIVE)('app: %s', async (sql) => {
    expect(classify(await statementsOf(sql), null, false).rollbackClass).toBe('app');
  });

  test.each(REVERSIBLE)('reversible with a down file, else restore: %s', async (sql) => {
    const statements = await statementsOf(sql);
    expect(classify(statements, null, true).rollbackClass).toBe('reversible');
    const without = classify(statements, null, false);
    expect(without.rollbackClass).toBe('restore');
    expect(without.because).toContain('no down file');
  });

  test.each(RESTORE)('restore even with a down file: %s', async (sql) => {
    expect(classify(await statementsOf(sql), null, true).rollbackClass).toBe('restore');
  });

  test('what is not understood says so, with its line', async () => {
    const { because } = classify(await statementsOf('SELECT 1;\n\nDO $$ BEGIN END $$'), null, true);
    expect(because).toMatch(/^line 3: .*not known to be compatible with the old version/);
  });

  test('the header wins over everything', async () => {
    const header = { rollbackClass: 'forward-fix', because: 'mails were sent' } as const;
    expect(classify(await statementsOf('DROP TABLE users'), header, true)).toEqual(header);
  });
});

const RANK: readonly RollbackClass[] = ['app', 'reversible', 'restore', 'forward-fix'];
const someSql = fc.constantFrom(...ADDITIVE.slice(0, -1), ...REVERSIBLE.slice(0, -2), ...RESTORE);

test('adding a statement never makes a file easier to take back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(someSql, { maxLength: 5 }), someSql, fc.boolean(), async (some, more, hasDown) => {
      // Names differ per statement kind, so tables made earlier are the only context there is; `t` would be one.
      const clean = (list: readonly string[]): string => list.filter((sql) => !/\b(TABLE|INTO|ON|UPDATE) t\b/.test(sql)).join(';\n');
      const before = classify(await statementsOf(clean(some)), null, hasDown).rollbackClass;
      const after = classify(await statementsOf(clean([...some, more])), null, hasDown).rollbackClass;
      expect(RANK.indexOf(after)).toBeGreaterThanOrEqual(RANK.indexOf(before));
    }),
  );
});

test('a down file never makes a file harder to take back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(someSql, { maxLength: 5 }), async (some) => {
      const statements = await statementsOf(some.join(';\n'));
      expect(RANK.indexOf(classify(statements, null, true).rollbackClass)).toBeLessThanOrEqual(
        RANK.indexOf(classify(statements, null, false).rollbackClass),
      );
    }),
  );
});
