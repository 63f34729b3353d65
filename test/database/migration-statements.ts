import fc from 'fast-check';
import { newColumn } from './new-column-statements.ts';
import { line, pick } from './pick.ts';

const table = pick('users', 'orders', 'spare', 'events', 'empty');
const column = pick(
  'users (name)',
  'users (age)',
  'users (mood)',
  'orders (note)',
  'orders (user_id)',
  'orders (total)',
  'spare (kind)',
  'events (kind)',
);
const type = line(`
  int
  text
  varchar(3)
  numeric(3,1)
  positive
  mood
  jsonb
  char(1)
  bigserial
  timestamptz
  int[]
  uuid
`);
const value = line(`
  NULL
  1
  'x'
  'glad'
  now()
  random()
  gen_random_uuid()
  1 + 1
  NULL::int
  coalesce(NULL, NULL)
  nullif(1, 1)
  nextval('tickets')
  twice(1)
  '{}'
  0 / 1
  CURRENT_USER
  lower('A')
  to_char(now(), 'YYYY')
  ARRAY[1]
  CASE WHEN false THEN 1 END
`);
const computed = line(`
  age + 1
  1 / age
  lower(name)
  name::int
  length(name)
  (data ->> 'n')
  (data ->> 'n')::int
  twice(age)
  md5(name)
  age * 2
  id
  coalesce(name, email)
  name || email
  age > 3
  (age IS NULL)
  sqrt(age)
  upper(email)
  mood::text
  left(name, 3)
  split_part(name, ' ', 0)
  jsonb_array_length(data)
  date_trunc('day', now())
  age::smallint
  chr(age)
  repeat('a', age)
  to_tsvector('english', name)
  (data || '{}')
  (data #>> '{n}')
  name ~ email
  string_to_array(name, ',')
  abs(age)
`);
const rule = pick(
  '',
  'NOT NULL',
  'UNIQUE',
  'PRIMARY KEY',
  'REFERENCES users',
  'CHECK (n IS NOT NULL)',
  'UNIQUE NULLS NOT DISTINCT',
  'REFERENCES users DEFERRABLE',
);

/** Statements of migrations, most of which work on the schema of the test that uses them. */
export const statement: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(table, type, rule, value).map(([t, of, rules, v]) => `ALTER TABLE ${t} ADD COLUMN n ${of} ${rules} DEFAULT ${v}`),
  },
  { weight: 4, arbitrary: fc.tuple(table, type, rule).map(([t, of, rules]) => `ALTER TABLE ${t} ADD COLUMN n ${of} ${rules}`) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(type, computed, pick('STORED', 'VIRTUAL'), rule)
      .map(([of, e, kept, rules]) => `ALTER TABLE users ADD COLUMN n ${of} GENERATED ALWAYS AS (${e}) ${kept} ${rules}`),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        pick('', 'UNIQUE '),
        computed,
        pick('', ' WHERE age > 0', ' WHERE 1 / age > 0', ' WHERE name::int > 1', ' WHERE twice(age) = 1'),
      )
      .map(([u, e, where]) => `CREATE ${u}INDEX ON users ((${e}))${where}`),
  },
  { weight: 4, arbitrary: newColumn },
  { weight: 2, arbitrary: fc.tuple(pick('', 'UNIQUE '), column).map(([u, c]) => `CREATE ${u}INDEX ON ${c}`) },
  {
    weight: 6,
    arbitrary: line(`
  CREATE INDEX ON users USING gin (data)
  CREATE INDEX ON users USING gist (name)
  CREATE INDEX ON users USING hash (name)
  CREATE INDEX ON users USING brin (age)
  CREATE TABLE fresh (id serial PRIMARY KEY, u int REFERENCES users)
  CREATE TABLE fresh (u int REFERENCES users ON DELETE CASCADE)
  CREATE TABLE fresh () INHERITS (spare)
  CREATE TABLE fresh (LIKE users INCLUDING ALL)
  CREATE TABLE fresh PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
  CREATE TABLE fresh PARTITION OF events (CHECK (kind <> 'b')) FOR VALUES FROM ('2026-01-01') TO ('2028-01-01')
  CREATE TABLE fresh PARTITION OF events (kind NOT NULL) FOR VALUES FROM ('2026-01-01') TO ('2028-01-01')
  CREATE TABLE fresh PARTITION OF events (kind UNIQUE) FOR VALUES FROM ('2026-01-01') TO ('2028-01-01')
  CREATE TABLE fresh PARTITION OF events (kind DEFAULT 'z') FOR VALUES FROM ('2026-01-01') TO ('2028-01-01')
  CREATE TABLE fresh PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2028-01-01') PARTITION BY LIST (kind)
  CREATE TABLE fresh AS SELECT id FROM users
  CREATE UNLOGGED TABLE fresh (id int)
  SELECT 1
  SELECT id INTO fresh FROM users
  SELECT twice(1)
  SELECT setval('tickets', 100)
  SELECT nextval('tickets')
  WITH d AS (DELETE FROM orders RETURNING id) SELECT id FROM d
  SELECT id FROM users FOR UPDATE
  CREATE FUNCTION fresh() RETURNS int LANGUAGE sql AS 'SELECT 1'
  CREATE OR REPLACE FUNCTION twice(n bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 3::bigint'
  CREATE OPERATOR = (leftarg = mood, rightarg = text, function = texteq)
  CREATE VIEW fresh AS SELECT id FROM users
  CREATE OR REPLACE VIEW adults AS SELECT id, 'x'::varchar(20) AS name FROM users
  CREATE MATERIALIZED VIEW fresh AS SELECT id FROM users
  REFRESH MATERIALIZED VIEW totals
  REFRESH MATERIALIZED VIEW totals WITH NO DATA
  CREATE SEQUENCE fresh
  CREATE SEQUENCE fresh OWNED BY users.id
  ALTER TYPE mood ADD VALUE 'calm' BEFORE 'sad'
  ALTER TYPE mood RENAME VALUE 'sad' TO 'low'
  CREATE TYPE fresh AS ENUM ('a')
  CREATE DOMAIN fresh AS int
  ALTER DOMAIN positive ADD CHECK (VALUE < 10)
  CREATE SCHEMA fresh
  CREATE SCHEMA slipway
  CREATE SCHEMA fresh CREATE TABLE t (id int)
  CREATE SCHEMA fresh CREATE TABLE t () INHERITS (public.spare)
  CREATE STATISTICS s (ndistinct) ON age, name FROM users
  CREATE STATISTICS s ON (1 / age), (name::int) FROM users
  CREATE PUBLICATION p FOR TABLE spare
  CREATE PUBLICATION p FOR ALL TABLES
  COMMENT ON TABLE users IS 'x'
  CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION stamp()
  CREATE RULE r AS ON DELETE TO orders DO INSTEAD NOTHING
  CREATE POLICY p ON users USING (false)
  ALTER TABLE users ENABLE ROW LEVEL SECURITY
  ALTER TABLE users FORCE ROW LEVEL SECURITY
  ALTER TABLE users DISABLE TRIGGER ALL
  INSERT INTO users (email) VALUES ('z')
  INSERT INTO users (email) VALUES ('a') ON CONFLICT DO NOTHING
  INSERT INTO users (email) VALUES ('a') ON CONFLICT (email) DO UPDATE SET age = 1
  UPDATE users SET age = age
  DELETE FROM orders WHERE false
  TRUNCATE spare
  TRUNCATE orders RESTART IDENTITY
  MERGE INTO spare USING users ON false WHEN NOT MATCHED THEN INSERT (id, at) VALUES (1, '2026-01-01')
  COPY users TO STDOUT
  ALTER SEQUENCE tickets RESTART
  ALTER SEQUENCE tickets INCREMENT 5
  ALTER SEQUENCE tickets OWNED BY spare.id
  ALTER SEQUENCE tickets MAXVALUE 10
  ALTER SEQUENCE tickets RENAME TO fresh
  ALTER SEQUENCE tickets CACHE 3
  ALTER TABLE users RENAME COLUMN age TO years
  ALTER TABLE spare RENAME TO fresh
  ALTER TABLE spare SET SCHEMA pg_temp
  ALTER INDEX orders_note RENAME TO fresh
  ALTER INDEX orders_note SET (fillfactor = 50)
  ALTER VIEW adults RENAME TO fresh
  ALTER VIEW adults ALTER COLUMN name SET DEFAULT 'x'
  ALTER VIEW adults SET (security_barrier = true)
  ALTER MATERIALIZED VIEW totals RENAME TO fresh
  ALTER FUNCTION twice(bigint) RENAME TO fresh
  ALTER FUNCTION twice(bigint) STRICT
  ALTER TABLE users SET (fillfactor = 70)
  ALTER TABLE users SET UNLOGGED
  ALTER TABLE users CLUSTER ON users_pkey
  ALTER TABLE users SET WITHOUT CLUSTER
  ALTER TABLE users ALTER COLUMN name SET STATISTICS 10
  ALTER TABLE users ALTER COLUMN name SET STORAGE EXTERNAL
  ALTER TABLE users ALTER COLUMN name SET COMPRESSION pglz
  ALTER TABLE users REPLICA IDENTITY FULL
  ALTER TABLE users REPLICA IDENTITY NOTHING
  ALTER TABLE users OWNER TO slipway
  ALTER TABLE spare INHERIT orders
  ALTER TABLE events DETACH PARTITION events_2025
  ALTER TABLE events ATTACH PARTITION spare FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
  ALTER TABLE users OF mood
  ALTER TABLE users NOT OF
  LOCK TABLE users
  REINDEX TABLE users
  REINDEX INDEX orders_note
  VACUUM users
  ANALYZE users
  SET statement_timeout = 1000
  SET search_path = fresh
  RESET ALL
  SET ROLE slipway
  GRANT SELECT ON users TO PUBLIC
  REVOKE SELECT ON users FROM slipway
  GRANT ALL ON SCHEMA public TO PUBLIC
  ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC
  ALTER ROLE slipway SET search_path = fresh
  ALTER DATABASE app SET default_transaction_read_only = on
  DROP INDEX orders_note
  DROP VIEW adults
  DROP MATERIALIZED VIEW totals
  DROP FUNCTION twice
  DROP SEQUENCE tickets CASCADE
  DROP TABLE spare
  DROP TYPE mood CASCADE
  DROP DOMAIN positive
  DROP SCHEMA public CASCADE
  DO $$ BEGIN DELETE FROM spare; END $$
  SELECT set_config('search_path', 'fresh', false)
  CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION stamp()
  CREATE CAST (int AS mood) WITH INOUT AS IMPLICIT
  CREATE COLLATION fresh FROM "C"
  CREATE TEXT SEARCH CONFIGURATION fresh (copy = simple)
  CREATE TABLE users_2 (id int, CONSTRAINT x EXCLUDE (id WITH =))
  CREATE ROLE fresh
  CREATE TABLE IF NOT EXISTS users (id int)
  ALTER TABLE users ADD COLUMN IF NOT EXISTS age text NOT NULL
`),
  },
  {
    weight: 5,
    arbitrary: fc.oneof(
      fc.tuple(column, type).map(([c, of]) => c.replace(/(\w+) \((\w+)\)/, `ALTER TABLE $1 ALTER COLUMN $2 TYPE ${of} USING NULL`)),
      fc
        .tuple(column, pick('text', 'varchar(3)', 'varchar(40)', 'bigint', 'numeric'))
        .map(([c, of]) => c.replace(/(\w+) \((\w+)\)/, `ALTER TABLE $1 ALTER COLUMN $2 TYPE ${of}`)),
      fc.tuple(column, value).map(([c, v]) => c.replace(/(\w+) \((\w+)\)/, `ALTER TABLE $1 ALTER COLUMN $2 SET DEFAULT ${v}`)),
      fc
        .tuple(column, pick('DROP DEFAULT', 'SET NOT NULL', 'DROP NOT NULL', 'DROP EXPRESSION', 'DROP IDENTITY IF EXISTS'))
        .map(([c, what]) => c.replace(/(\w+) \((\w+)\)/, `ALTER TABLE $1 ALTER COLUMN $2 ${what}`)),
      column.map((c) => c.replace(/(\w+) \((\w+)\)/, 'ALTER TABLE $1 DROP COLUMN $2')),
      fc
        .tuple(
          table,
          pick(
            'CHECK (true)',
            'CHECK (false) NOT VALID',
            'CHECK (id > 0) NO INHERIT',
            'UNIQUE (id)',
            'UNIQUE (kind)',
            'FOREIGN KEY (id) REFERENCES users NOT VALID',
            'EXCLUDE (id WITH =)',
            'CHECK (id < 3) NOT VALID',
          ),
        )
        .map(([t, c]) => `ALTER TABLE ${t} ADD CONSTRAINT fresh ${c}`),
      pick(
        'ALTER TABLE orders DROP CONSTRAINT orders_total_check',
        'ALTER TABLE users DROP CONSTRAINT users_email_key',
        'ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey',
        'ALTER TABLE orders ALTER CONSTRAINT orders_user_id_fkey DEFERRABLE',
        'ALTER TABLE users ALTER COLUMN id SET GENERATED ALWAYS',
        'ALTER TABLE users ALTER COLUMN id RESTART',
        'ALTER TABLE users ALTER COLUMN id DROP IDENTITY',
        'ALTER TABLE users ALTER COLUMN id SET INCREMENT 7',
      ),
    ),
  },
);
