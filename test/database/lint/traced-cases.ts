/** What the linter says of a file, and a server agrees with. `@` makes the names of each case its own. */
interface Case {
  readonly before: string;
  readonly sql: string;
  /** Other than notices. */
  readonly rules: readonly string[];
}

const KEYS =
  'CREATE TABLE one@ (id bigint PRIMARY KEY, n int, name text UNIQUE); CREATE TABLE two@ (id bigint PRIMARY KEY, one bigint REFERENCES one@, name text REFERENCES one@ (name)); CREATE TABLE three@ (two bigint REFERENCES two@)';
const PARTS = `CREATE TABLE days@ (id int, day date NOT NULL) PARTITION BY RANGE (day); CREATE TABLE days@_1 PARTITION OF days@ FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); CREATE TABLE loose@ (id int, day date NOT NULL)`;
const REST = `${PARTS}; CREATE TABLE days@_rest PARTITION OF days@ DEFAULT`;
const FEBRUARY = `FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')`;

const INHERITED = 'CREATE TABLE base@ (id int, a int); CREATE TABLE kid@ (b int) INHERITS (base@)';

/** By what each is about. */
export const CASES: Readonly<Record<string, Case>> = {
  'a dropped column with a foreign key': {
    before: KEYS,
    sql: 'ALTER TABLE two@ DROP COLUMN one',
    rules: ['drop-foreign-key', 'drop-column'],
  },
  'an index that is no constraint, and a constraint of its name that was not there to be dropped': {
    before: 'CREATE TABLE one@ (n int); CREATE UNIQUE INDEX one@_key ON one@ (n); ALTER TABLE one@ DROP CONSTRAINT IF EXISTS one@_key',
    sql: 'DROP INDEX one@_key',
    rules: ['drop-index'],
  },
  'a type that only a default still needs': {
    before: `CREATE TYPE mood@ AS ENUM ('x'); CREATE TABLE one@ (m mood@ DEFAULT 'x'); ALTER TABLE one@ ALTER m TYPE text`,
    sql: 'DROP TYPE mood@ CASCADE',
    rules: ['drop-cascade'],
  },
  'a dropped column that others reference': {
    before: KEYS,
    sql: 'ALTER TABLE one@ DROP COLUMN id CASCADE',
    rules: ['drop-foreign-key', 'drop-column', 'drop-cascade', 'drop-primary-key'],
  },
  'a dropped key that others reference': {
    before: KEYS,
    sql: 'ALTER TABLE one@ DROP CONSTRAINT one@_pkey CASCADE',
    rules: ['drop-foreign-key', 'drop-primary-key', 'drop-cascade'],
  },
  'a dropped table that others reference': {
    before: KEYS,
    sql: 'DROP TABLE two@ CASCADE',
    rules: ['drop-foreign-key', 'drop-foreign-key', 'drop-table', 'drop-cascade'],
  },
  'the type of a key': {
    before: KEYS,
    sql: 'ALTER TABLE one@ ALTER COLUMN id TYPE int',
    rules: ['column-type', 'foreign-key-type', 'narrower-type'],
  },
  'the type of a foreign key': {
    before: KEYS,
    sql: 'ALTER TABLE two@ ALTER COLUMN one TYPE int',
    rules: ['column-type', 'foreign-key-type', 'narrower-type', 'reference-type'],
  },
  'a free type of a key': { before: KEYS, sql: 'ALTER TABLE one@ ALTER COLUMN name TYPE varchar', rules: ['foreign-key-type'] },
  'the type of a column no key has': { before: KEYS, sql: 'ALTER TABLE one@ ALTER COLUMN n TYPE bigint', rules: ['column-type'] },
  'everything TRUNCATE reaches': { before: KEYS, sql: 'TRUNCATE one@ CASCADE', rules: ['truncate', 'truncate-cascade'] },
  'TRUNCATE of all of them': { before: KEYS, sql: 'TRUNCATE three@, two@, one@', rules: ['truncate', 'truncate', 'truncate'] },
  'a column that must have a value': { before: KEYS, sql: 'ALTER TABLE three@ ADD COLUMN x int NOT NULL', rules: ['required-column'] },
  'NOT NULL that was taken away and comes back': {
    before: `${KEYS}; ALTER TABLE one@ ALTER COLUMN n SET NOT NULL; ALTER TABLE one@ ALTER COLUMN n DROP NOT NULL`,
    sql: 'ALTER TABLE one@ ALTER COLUMN n SET NOT NULL',
    rules: ['set-not-null'],
  },
  'a renamed table and column': {
    before: `${KEYS}; ALTER TABLE one@ RENAME TO uno@; ALTER TABLE two@ RENAME COLUMN one TO uno`,
    sql: 'ALTER TABLE two@ DROP COLUMN uno',
    rules: ['drop-foreign-key', 'drop-column'],
  },
  'an enum': {
    before: `CREATE TYPE mood@ AS ENUM ('a'); CREATE TYPE mood2@ AS ENUM ('a'); CREATE TABLE t@ (m mood@)`,
    sql: 'ALTER TABLE t@ ALTER COLUMN m TYPE mood2@ USING m::text::mood2@',
    rules: ['column-type'],
  },
  'an enum under its new name': {
    before: `CREATE TYPE mood@ AS ENUM ('a'); CREATE TABLE t@ (m mood@); ALTER TYPE mood@ RENAME TO temper@`,
    sql: 'ALTER TABLE t@ ALTER COLUMN m TYPE text',
    rules: ['column-type'],
  },
  'a domain that promises nothing': {
    before: 'CREATE DOMAIN d@ AS int; CREATE TABLE t@ (a int)',
    sql: 'ALTER TABLE t@ ADD COLUMN x d@ DEFAULT 1',
    rules: [],
  },
  'a domain that does': {
    before: 'CREATE DOMAIN d@ AS int; CREATE TABLE t@ (a int); ALTER DOMAIN d@ ADD CHECK (VALUE > 0)',
    sql: 'ALTER TABLE t@ ADD COLUMN x d@ DEFAULT 1',
    rules: ['add-column-domain'],
  },
  'a domain nothing uses': {
    before: 'CREATE DOMAIN d@ AS int; CREATE TABLE t@ (a int)',
    sql: 'ALTER DOMAIN d@ ADD CHECK (VALUE > 0)',
    rules: [],
  },
  'a domain that a table uses': {
    before: 'CREATE DOMAIN d@ AS int; CREATE TABLE t@ (a d@)',
    sql: 'ALTER DOMAIN d@ ADD CHECK (VALUE > 0)',
    rules: ['domain-constraint'],
  },
  'a collation of an indexed column': {
    before: 'CREATE TABLE t@ (a text); CREATE INDEX ON t@ (a)',
    sql: 'ALTER TABLE t@ ALTER COLUMN a TYPE text COLLATE "C"',
    rules: ['column-type'],
  },
  'a partition of its own': { before: PARTS, sql: `ALTER TABLE days@ ATTACH PARTITION loose@ ${FEBRUARY}`, rules: ['attach-partition'] },
  'a partition with a CHECK': {
    before: `${PARTS}; ALTER TABLE loose@ ADD CHECK (day >= DATE '2026-02-01' AND day < '2026-03-01')`,
    sql: `ALTER TABLE days@ ATTACH PARTITION loose@ ${FEBRUARY}`,
    rules: [],
  },
  'a partition with a CHECK that says less': {
    before: `${PARTS}; ALTER TABLE loose@ ADD CHECK (day >= '2026-02-01' AND day < '2026-04-01')`,
    sql: `ALTER TABLE days@ ATTACH PARTITION loose@ ${FEBRUARY}`,
    rules: ['attach-partition'],
  },
  'a partition beside a default one': {
    before: REST,
    sql: `ALTER TABLE days@ ATTACH PARTITION loose@ ${FEBRUARY}`,
    rules: ['attach-partition', 'default-partition'],
  },
  'a new partition beside a default one': {
    before: REST,
    sql: `CREATE TABLE days@_2 PARTITION OF days@ ${FEBRUARY}`,
    rules: ['partition-of', 'default-partition'],
  },
  'a dropped partition': { before: PARTS, sql: 'DROP TABLE days@_1', rules: ['drop-partition', 'drop-table'] },
  'a dropped table that was a partition': {
    before: `${PARTS}; ALTER TABLE days@ DETACH PARTITION days@_1`,
    sql: 'DROP TABLE days@_1',
    rules: ['drop-table'],
  },
  'an index of a partitioned table': { before: PARTS, sql: 'CREATE INDEX ON days@ (id)', rules: ['create-index'] },
  'a column of a table that others inherit from': {
    before: INHERITED,
    sql: 'ALTER TABLE base@ ALTER COLUMN a SET NOT NULL',
    rules: ['set-not-null', 'set-not-null'],
  },
  'ONLY that table': { before: INHERITED, sql: 'ALTER TABLE ONLY base@ ADD CHECK (a > 0) NO INHERIT', rules: ['add-check'] },
  'rows of all that inherit': { before: INHERITED, sql: 'TRUNCATE base@', rules: ['truncate'] },
  'a partition whose keys reference': {
    before: `${PARTS}; CREATE TABLE o@ (id bigint PRIMARY KEY); ALTER TABLE days@ ADD COLUMN o bigint REFERENCES o@; ALTER TABLE loose@ ADD COLUMN o bigint`,
    sql: `ALTER TABLE days@ ATTACH PARTITION loose@ ${FEBRUARY}`,
    rules: ['attach-partition'],
  },
  'a partition that comes back with its keys': {
    before: `${PARTS}; CREATE TABLE o@ (id bigint PRIMARY KEY); ALTER TABLE days@ ADD COLUMN o bigint REFERENCES o@; ALTER TABLE days@ DETACH PARTITION days@_1`,
    sql: `ALTER TABLE days@ ATTACH PARTITION days@_1 ${FEBRUARY}`,
    rules: ['attach-partition', 'drop-foreign-key'],
  },
  'a partition others reference': {
    before: `${PARTS}; ALTER TABLE days@ ADD PRIMARY KEY (id, day); CREATE TABLE r@ (id int, day date, FOREIGN KEY (id, day) REFERENCES days@)`,
    sql: 'ALTER TABLE days@ DETACH PARTITION days@_1',
    rules: ['detach-partition', 'drop-foreign-key'],
  },
  'a schema with what is in it': {
    before: 'CREATE SCHEMA s@; CREATE TABLE s@.t (id int PRIMARY KEY); CREATE TABLE u@ (id int REFERENCES s@.t)',
    sql: 'DROP SCHEMA s@ CASCADE',
    rules: ['drop-schema', 'drop-cascade', 'drop-foreign-key'],
  },
  'a type that columns have': {
    before: `CREATE TYPE m@ AS ENUM ('a'); CREATE TABLE t@ (a m@, b int)`,
    sql: 'DROP TYPE m@ CASCADE',
    rules: ['drop-cascade', 'drop-column'],
  },
  'views that go with a column': {
    before: 'CREATE TABLE t@ (id int, a int); CREATE MATERIALIZED VIEW v@ AS SELECT a FROM t@',
    sql: 'ALTER TABLE t@ DROP COLUMN a CASCADE',
    rules: ['drop-column', 'drop-cascade'],
  },
  'a length in an expression of an index': {
    before: 'CREATE TABLE t@ (a varchar(10)); CREATE INDEX ON t@ (lower(a))',
    sql: 'ALTER TABLE t@ ALTER COLUMN a TYPE varchar(20)',
    rules: ['column-type'],
  },
  'a length in a plain index': {
    before: 'CREATE TABLE t@ (a varchar(10)); CREATE INDEX ON t@ (a)',
    sql: 'ALTER TABLE t@ ALTER COLUMN a TYPE varchar(20)',
    rules: [],
  },
  'a time at UTC': {
    before: 'CREATE TABLE t@ (a timestamp)',
    sql: `SET TimeZone = 'UTC'; ALTER TABLE t@ ALTER COLUMN a TYPE timestamptz`,
    rules: [],
  },
  'a time elsewhere': {
    before: 'CREATE TABLE t@ (a timestamp)',
    sql: `SET TimeZone = 'Asia/Tokyo'; ALTER TABLE t@ ALTER COLUMN a TYPE timestamptz; RESET TimeZone`,
    rules: ['column-type'],
  },
  'a function of another file': {
    before: `${KEYS}; CREATE FUNCTION f@() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE three@ ALTER COLUMN two SET NOT NULL; END $$`,
    sql: 'SELECT f@()',
    rules: ['set-not-null'],
  },
  'a DO block': { before: KEYS, sql: 'DO $$ BEGIN\nALTER TABLE three@ ALTER COLUMN two SET NOT NULL;\nEND $$', rules: ['set-not-null'] },
  'comments on what is in use': {
    before: KEYS,
    sql: `COMMENT ON COLUMN one@.n IS 'x'; COMMENT ON TABLE two@ IS 'y'; COMMENT ON CONSTRAINT one@_pkey ON one@ IS 'z'`,
    rules: [],
  },
  'a rule switched off': {
    before: `${KEYS}; CREATE RULE r AS ON INSERT TO one@ DO ALSO NOTHING`,
    sql: 'ALTER TABLE one@ DISABLE RULE r',
    rules: [],
  },
  'NOT NULL beside the end of the CHECK that promises it': {
    before: `${KEYS}; ALTER TABLE one@ ADD CONSTRAINT c CHECK (n IS NOT NULL)`,
    sql: 'ALTER TABLE one@ ALTER COLUMN n SET NOT NULL, DROP CONSTRAINT c',
    rules: ['set-not-null'],
  },
  'NOT NULL that a CHECK promises in other words': {
    before: `${KEYS}; ALTER TABLE one@ ADD CONSTRAINT c CHECK (NOT (n IS NULL))`,
    sql: 'ALTER TABLE one@ ALTER COLUMN n SET NOT NULL',
    rules: [],
  },
  'NOT NULL that a CHECK of two columns does not promise': {
    before: `${KEYS}; ALTER TABLE one@ ADD COLUMN o int; ALTER TABLE one@ ADD CONSTRAINT c CHECK (coalesce(n, o) IS NOT NULL)`,
    sql: 'ALTER TABLE one@ ALTER COLUMN n SET NOT NULL',
    rules: ['set-not-null'],
  },
  'an index of ONLY the partitioned table': { before: PARTS, sql: 'CREATE INDEX ON ONLY days@ (id)', rules: [] },
  'into a domain that promises nothing, and out of it': {
    before: 'CREATE DOMAIN d@ AS text; CREATE TABLE t@ (a text, b d@)',
    sql: 'ALTER TABLE t@ ALTER COLUMN a TYPE d@, ALTER COLUMN b TYPE varchar',
    rules: [],
  },
  'into a domain that an index computes with': {
    before: 'CREATE DOMAIN d@ AS text; CREATE TABLE t@ (a text); CREATE INDEX ON t@ (lower(a))',
    sql: 'ALTER TABLE t@ ALTER COLUMN a TYPE d@',
    rules: ['column-type'],
  },
  'into a domain of a domain that promises something': {
    before: 'CREATE DOMAIN c@ AS int CHECK (VALUE > 0); CREATE DOMAIN d@ AS c@; CREATE TABLE t@ (a int)',
    sql: 'ALTER TABLE t@ ALTER COLUMN a TYPE d@, ADD COLUMN x d@',
    rules: ['column-type', 'add-column-domain'],
  },
  'out of a domain that promises something': {
    before: 'CREATE DOMAIN d@ AS int CHECK (VALUE > 0); CREATE TABLE t@ (a d@)',
    sql: 'ALTER TABLE t@ ALTER COLUMN a TYPE int',
    rules: [],
  },
  'out of a domain, to a larger type': {
    before: 'CREATE DOMAIN d@ AS int; CREATE TABLE t@ (a d@)',
    sql: 'ALTER TABLE t@ ALTER COLUMN a TYPE bigint',
    rules: ['column-type'],
  },
  'digits of an interval': {
    before: 'CREATE TABLE t@ (a interval)',
    sql: 'ALTER TABLE t@ ALTER COLUMN a TYPE interval(3)',
    rules: ['column-type', 'narrower-type'],
  },
  'a default that is the same for every row': {
    before: KEYS,
    sql: 'ALTER TABLE one@ ADD COLUMN x bigint DEFAULT txid_current(), ADD COLUMN y int DEFAULT pg_backend_pid(), ADD COLUMN z point DEFAULT point(0, pi())',
    rules: [],
  },
  'a default that is another one for every row': {
    before: `${KEYS}; CREATE SEQUENCE q@; SELECT nextval('q@')`,
    sql: `ALTER TABLE one@ ADD COLUMN x bigint DEFAULT currval('q@')`,
    rules: ['add-column-default'],
  },
  'a required column that is computed when it is read': {
    before: KEYS,
    sql: 'ALTER TABLE one@ ADD COLUMN x bigint GENERATED ALWAYS AS (id + 1) VIRTUAL NOT NULL',
    rules: ['set-not-null'],
  },
  'what is computed when it is read, changed': {
    before: 'CREATE TABLE t@ (a int, x int GENERATED ALWAYS AS (a + 1) VIRTUAL, y int GENERATED ALWAYS AS (a + 1) VIRTUAL NOT NULL)',
    sql: 'ALTER TABLE t@ ALTER COLUMN x SET EXPRESSION AS (a + 2); ALTER TABLE t@ ALTER COLUMN x TYPE bigint; ALTER TABLE t@ ALTER COLUMN y TYPE bigint',
    rules: [],
  },
  'what is computed when it is read, and promises something, changed': {
    before: 'CREATE TABLE t@ (a int, y int GENERATED ALWAYS AS (a + 1) VIRTUAL NOT NULL)',
    sql: 'ALTER TABLE t@ ALTER COLUMN y SET EXPRESSION AS (a + 2)',
    rules: ['set-not-null'],
  },
  'the type of what is computed when it is read, with a CHECK': {
    before: 'CREATE TABLE t@ (a int, x int GENERATED ALWAYS AS (a + 1) VIRTUAL CHECK (x > 0))',
    sql: 'ALTER TABLE t@ ALTER COLUMN x TYPE bigint',
    rules: ['column-type'],
  },
  'a published table': { before: KEYS, sql: 'CREATE PUBLICATION p@ FOR TABLE one@', rules: [] },
};
