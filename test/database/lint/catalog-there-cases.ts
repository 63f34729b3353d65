import type { Case } from './needed-cases.ts';
import { PARTS, T } from './there-cases.ts';

/** PostgreSQL refuses what is done then, and only the catalog knows it. */
export const BY_CATALOG: readonly Case[] = [
  ['', 'ALTER TABLE nowhere ADD x int'],
  ['', 'SELECT * FROM nowhere'],
  ['', 'CREATE VIEW v AS SELECT 1 AS a FROM nowhere'],
  ['', 'CREATE TABLE t (a nowhere)'],
  ['', 'CREATE TABLE t (a int REFERENCES nowhere)'],
  [T, 'ALTER TABLE t ADD c nowhere'],
  [T, 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES nowhere'],
  ['', 'DROP VIEW nowhere'],
  ['', 'DROP INDEX nowhere'],
  ['', 'DROP SEQUENCE nowhere'],
  ['', 'DROP TYPE nowhere'],
  ['', 'DROP FUNCTION nowhere(int)'],
  ['', 'DROP SCHEMA nowhere'],
  ['', 'DROP EXTENSION nowhere'],
  ['', 'CREATE EXTENSION plpgsql'],
  ['', `ALTER TYPE nowhere ADD VALUE 'x'`],
  ['', 'CREATE TABLE nowhere.t (a int)'],
  ['', 'GRANT SELECT ON nowhere TO public'],
  ['', 'GRANT SELECT ON ALL TABLES IN SCHEMA nowhere TO public'],
  ['', 'GRANT EXECUTE ON FUNCTION nowhere() TO public'],
  ['', `COMMENT ON TABLE nowhere IS 'x'`],
  ['', `COMMENT ON TYPE nowhere IS 'x'`],
  ['', `COMMENT ON FUNCTION nowhere() IS 'x'`],
  [T, 'GRANT SELECT ON t TO nobody'],
  [T, 'ALTER TABLE t OWNER TO nobody'],
  [T, 'CREATE POLICY p ON t TO nobody'],
  ['', 'GRANT nobody TO slipway'],
  ['', 'CREATE ROLE slipway'],
  ['', 'DROP ROLE nobody'],
  ['', 'CREATE SCHEMA s AUTHORIZATION nobody'],
  [T, 'CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION nowhere()'],
  [PARTS, 'DROP TRIGGER g ON t; DROP FUNCTION f(); DROP FUNCTION f()'],
  // Names as PostgreSQL gives them to indexes and sequences: whatever it is called, this is done to tables.
  ['', 'SELECT * FROM api_key'],
  ['', 'INSERT INTO api_key (id) VALUES (1)'],
  ['', 'UPDATE order_idx SET a = 1'],
  ['', 'DELETE FROM order_seq'],
  ['', 'TRUNCATE order_excl'],
  ['', 'ALTER TABLE api_key ADD x int'],
  ['', 'ALTER TABLE order_seq ALTER a SET NOT NULL'],
  ['', 'CREATE INDEX ON api_pkey (a)'],
  ['', 'CREATE TABLE t (a int REFERENCES api_key)'],
  ['', 'CREATE VIEW v AS SELECT 1 AS a FROM api_key1'],
  ['', 'DROP TABLE api_key'],
  ['', 'DROP VIEW order_seq'],
  ['', 'GRANT SELECT ON api_key TO public'],
  ['', `COMMENT ON TABLE order_seq IS 'x'`],
  [`CREATE TABLE t (a int)`, 'ALTER TABLE t ADD UNIQUE (a); ALTER TABLE t DROP CONSTRAINT a_key'],
];

/** It takes it. */
export const FINE_WITH_CATALOG: readonly Case[] = [
  [
    '',
    'CREATE TABLE t (id serial PRIMARY KEY, a int UNIQUE); ALTER TABLE t_id_seq OWNER TO slipway; ALTER INDEX t_a_key RENAME TO u; DROP TABLE t',
  ],
  [
    '',
    'CREATE TABLE t (id serial PRIMARY KEY, a int UNIQUE); SELECT last_value FROM t_id_seq; GRANT SELECT ON t_id_seq TO public; ALTER TABLE t_id_seq RENAME TO s',
  ],
  [
    'CREATE SCHEMA s',
    'CREATE TABLE t (id int PRIMARY KEY, b int UNIQUE); ALTER TABLE t_pkey RENAME TO k; ALTER TABLE t_b_key SET (fillfactor = 50)',
  ],
  [
    '',
    'CREATE TABLE t (id serial, a int); CREATE INDEX ON t (a); DROP INDEX t_a_idx; COMMENT ON SEQUENCE t_id_seq IS NULL; CREATE TABLE api_key (a int); TRUNCATE api_key',
  ],
  ['', 'CREATE TABLE t (a text, b "char", c name, d int[], e oid, f regclass, g pg_catalog.int4, h timestamptz(3), i bit varying(3))'],
  [
    'CREATE TYPE pair AS (a int); CREATE TYPE span AS RANGE (subtype = int4); CREATE DOMAIN d AS int',
    'CREATE TABLE t (a pair, b span, c d, d pair[])',
  ],
  ['CREATE TABLE t (a int)', 'CREATE TABLE u (t t, ts t[]); SELECT * FROM t, pg_class, information_schema.tables'],
  [
    'CREATE TABLE w (a int) PARTITION BY LIST (a); CREATE TABLE p PARTITION OF w DEFAULT; CREATE INDEX i ON w (a)',
    'DROP INDEX i; CREATE TABLE p_a_idx (a int)',
  ],
  [
    'CREATE TABLE p (a int); CREATE TABLE h () INHERITS (p)',
    'ALTER TABLE p ADD b int; ALTER TABLE h ALTER b SET DEFAULT 1; ALTER TABLE p DROP a; ALTER TABLE h ADD a int',
  ],
  [PARTS, 'DROP FUNCTION f() CASCADE; DROP TRIGGER IF EXISTS g ON t'],
  ['', `CREATE EXTENSION IF NOT EXISTS plpgsql; DO $$ BEGIN CREATE TABLE made (a int); END $$; SELECT a FROM made`],
  ['', 'CREATE TEMP TABLE t (a int); SELECT a FROM t; DROP TABLE t'],
  [T, 'CREATE TEMP TABLE t (x int); DROP TABLE t; ALTER TABLE t ADD c int'],
  [T, 'GRANT SELECT ON t TO CURRENT_USER, public; ALTER TABLE t OWNER TO SESSION_USER; REVOKE ALL ON t FROM pg_read_all_data'],
  [
    'CREATE SEQUENCE s; CREATE VIEW v AS SELECT 1 AS a; CREATE MATERIALIZED VIEW m AS SELECT 1 AS a',
    `GRANT SELECT ON s, v, m TO public; COMMENT ON VIEW v IS 'x'; REFRESH MATERIALIZED VIEW m`,
  ],
  ['CREATE SCHEMA s; CREATE TABLE s.t (a int)', 'SET search_path = s; SELECT a FROM t; CREATE TABLE u (a int); SELECT a FROM u'],
];
