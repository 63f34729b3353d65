/**
 * The statement forms whose locks, rewrites and scans are measured, by name. A form's SQL works on tables named after the part
 * they play: `target`, `referenced`, `parent`, `partition`, `child`, `an_index`, `a_view`. Which form a user's statement has is decided in
 * src/database/core/lint/recognise.ts.
 */
export interface Form {
  readonly sql: string;
  /** Runs before, committed. */
  readonly before?: string;
  /** It cannot run in a transaction: its locks are watched from outside, while others make it wait. */
  readonly alone?: true;
}

const CHECKED = 'ALTER TABLE target ADD CONSTRAINT present CHECK (b IS NOT NULL)';
const NO_KEY = 'ALTER TABLE target DROP CONSTRAINT target_pkey';
const PARTS = `CREATE TABLE parent (id bigint, day date NOT NULL) PARTITION BY RANGE (day);
  CREATE TABLE partition (id bigint, day date NOT NULL); INSERT INTO partition SELECT g, '2030-01-05' FROM generate_series(1, 200) g`;
const ATTACHED = `${PARTS}; ALTER TABLE parent ATTACH PARTITION partition FOR VALUES FROM ('2030-01-01') TO ('2030-02-01')`;
const CHILD =
  'CREATE TABLE child (id bigint, target_id bigint REFERENCES target (id)); INSERT INTO child SELECT g, g FROM generate_series(1, 200) g';
const REFERENCING = 'ALTER TABLE target ADD CONSTRAINT fk FOREIGN KEY (ref) REFERENCES referenced (id)';
/** Foreign keys over texts, so that a change to varchar is one that writes nothing anew. */
const TEXT_REFERENCING = `ALTER TABLE referenced ADD COLUMN k text; UPDATE referenced SET k = CASE id WHEN 1 THEN 'x' ELSE 'y' || id END;
  ALTER TABLE referenced ADD UNIQUE (k); ALTER TABLE target ADD CONSTRAINT fk FOREIGN KEY (t) REFERENCES referenced (k)`;
const TEXT_CHILD = `UPDATE target SET t = id::text; ALTER TABLE target ADD UNIQUE (t);
  CREATE TABLE child (id bigint, t text REFERENCES target (t)); INSERT INTO child SELECT id, t FROM target`;
const DEFAULTED = `${PARTS}; CREATE TABLE default_partition PARTITION OF parent DEFAULT`;
const REFERENCING_PARTS = `${ATTACHED}; ALTER TABLE parent ADD COLUMN r bigint REFERENCES referenced (id); ALTER TABLE parent DETACH PARTITION partition`;
const KEYLESS_PART = `${REFERENCING_PARTS}; ALTER TABLE partition DROP CONSTRAINT parent_r_fkey`;
const REFERENCED_PARTS = `${ATTACHED}; ALTER TABLE parent ADD PRIMARY KEY (id, day); CREATE TABLE child (id bigint, day date, FOREIGN KEY (id, day) REFERENCES parent)`;
const VIEW = 'CREATE MATERIALIZED VIEW a_view AS SELECT id, b FROM target; CREATE UNIQUE INDEX ON a_view (id)';
const FUNCTION = `CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`;
const TRIGGER = `${FUNCTION}; CREATE TRIGGER touch BEFORE INSERT ON target FOR EACH ROW EXECUTE PROCEDURE touched()`;
const DOMAIN = 'CREATE DOMAIN amount AS int; ALTER TABLE target ALTER COLUMN b TYPE amount';

const alter = (command: string, before?: string): Form => ({
  sql: `ALTER TABLE target ${command}`,
  ...(before === undefined ? {} : { before }),
});
const one = (sql: string, before?: string): Form => ({ sql, ...(before === undefined ? {} : { before }) });
const alone = (sql: string, before?: string): Form => ({ ...one(sql, before), alone: true });

const COLUMNS: Readonly<Record<string, Form>> = {
  'add column': alter('ADD COLUMN x int'),
  'add column default constant': alter('ADD COLUMN x int DEFAULT 7'),
  'add column default stable': alter('ADD COLUMN x timestamptz DEFAULT now()'),
  'add column default volatile': alter('ADD COLUMN x float8 DEFAULT random()'),
  'add column generated stored': alter('ADD COLUMN x int GENERATED ALWAYS AS (a + 1) STORED'),
  'add column generated virtual': alter('ADD COLUMN x int GENERATED ALWAYS AS (a + 1) VIRTUAL'),
  'add column generated virtual required': alter('ADD COLUMN x int GENERATED ALWAYS AS (a + 1) VIRTUAL NOT NULL'),
  'add column serial': alter('ADD COLUMN x serial'),
  'add column identity': alter('ADD COLUMN x int GENERATED ALWAYS AS IDENTITY'),
  'add column check': alter('ADD COLUMN x int CHECK (x > 0)'),
  'add column unique': alter('ADD COLUMN x int UNIQUE'),
  'add column primary key': alter('ADD COLUMN x serial PRIMARY KEY', NO_KEY),
  'add column references': alter('ADD COLUMN x bigint REFERENCES referenced (id)'),
  'add column references default': alter('ADD COLUMN x bigint DEFAULT 1 REFERENCES referenced (id)'),
  'add column domain checked': alter('ADD COLUMN x amount', 'CREATE DOMAIN amount AS int CHECK (VALUE > 0)'),
  'add column required': alter('ADD COLUMN x int NOT NULL', 'DELETE FROM target'),
  'drop column': alter('DROP COLUMN t'),
  'drop column referencing': alter('DROP COLUMN ref', REFERENCING),
  'drop column referenced': alter('DROP COLUMN id CASCADE', CHILD),
  'set default': alter('ALTER COLUMN b SET DEFAULT 3'),
  'drop default': alter('ALTER COLUMN b DROP DEFAULT'),
  'set not null': alter('ALTER COLUMN b SET NOT NULL'),
  'set not null checked': alter('ALTER COLUMN b SET NOT NULL', CHECKED),
  'drop not null': alter('ALTER COLUMN a DROP NOT NULL'),
  'set statistics': alter('ALTER COLUMN b SET STATISTICS 100'),
  'set storage': alter('ALTER COLUMN t SET STORAGE EXTERNAL'),
  'set compression': alter('ALTER COLUMN t SET COMPRESSION pglz'),
  'set column options': alter('ALTER COLUMN b SET (n_distinct = 5)'),
  'add identity': alter('ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY'),
  'set identity': alter('ALTER COLUMN a SET GENERATED BY DEFAULT', 'ALTER TABLE target ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY'),
  'drop identity': alter('ALTER COLUMN a DROP IDENTITY', 'ALTER TABLE target ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY'),
  'drop expression': alter('ALTER COLUMN x DROP EXPRESSION', 'ALTER TABLE target ADD COLUMN x int GENERATED ALWAYS AS (a + 1) STORED'),
  'change type free': alter('ALTER COLUMN t TYPE varchar'),
  'change type scan': alter('ALTER COLUMN t TYPE citext', 'CREATE INDEX ON target (t)'),
  'change type rewrite': alter('ALTER COLUMN a TYPE bigint'),
  'change type free referencing': alter('ALTER COLUMN t TYPE varchar', TEXT_REFERENCING),
  'change type rewrite referencing': alter('ALTER COLUMN ref TYPE int', REFERENCING),
  'change type free referenced': alter('ALTER COLUMN t TYPE varchar', TEXT_CHILD),
  'change type rewrite referenced': alter('ALTER COLUMN id TYPE int', CHILD),
  'change type enum': alter('ALTER COLUMN t TYPE mood USING t::mood', `CREATE TYPE mood AS ENUM ('x')`),
  'change type enum to text': alter(
    'ALTER COLUMN t TYPE text',
    `CREATE TYPE mood AS ENUM ('x'); ALTER TABLE target ALTER COLUMN t TYPE mood USING t::mood`,
  ),
  'change collation': alter('ALTER COLUMN t TYPE text COLLATE "C"'),
  'change collation indexed': alter('ALTER COLUMN t TYPE text COLLATE "C"', 'CREATE INDEX ON target (t)'),
  'set expression': alter(
    'ALTER COLUMN x SET EXPRESSION AS (a + 2)',
    'ALTER TABLE target ADD COLUMN x int GENERATED ALWAYS AS (a + 1) STORED',
  ),
  'set expression virtual': alter(
    'ALTER COLUMN x SET EXPRESSION AS (a + 2)',
    'ALTER TABLE target ADD COLUMN x int GENERATED ALWAYS AS (a + 1) VIRTUAL',
  ),
  'set expression virtual required': alter(
    'ALTER COLUMN x SET EXPRESSION AS (a + 2)',
    'ALTER TABLE target ADD COLUMN x int GENERATED ALWAYS AS (a + 1) VIRTUAL NOT NULL',
  ),
  'rename column': alter('RENAME COLUMN b TO c'),
};

const CONSTRAINTS: Readonly<Record<string, Form>> = {
  'add check': alter('ADD CONSTRAINT c CHECK (a > 0)'),
  'add check not valid': alter('ADD CONSTRAINT c CHECK (a > 0) NOT VALID'),
  'validate check': alter('VALIDATE CONSTRAINT c', 'ALTER TABLE target ADD CONSTRAINT c CHECK (a > 0) NOT VALID'),
  'add not null': alter('ADD CONSTRAINT c NOT NULL b'),
  'add not null not valid': alter('ADD CONSTRAINT c NOT NULL b NOT VALID'),
  'validate not null': alter('VALIDATE CONSTRAINT c', 'ALTER TABLE target ADD CONSTRAINT c NOT NULL b NOT VALID'),
  'add foreign key': alter('ADD CONSTRAINT c FOREIGN KEY (ref) REFERENCES referenced (id)'),
  'add foreign key from new table': one(
    'CREATE TABLE x (r bigint); ALTER TABLE x ADD CONSTRAINT c FOREIGN KEY (r) REFERENCES referenced (id)',
  ),
  'add foreign key not valid': alter('ADD CONSTRAINT c FOREIGN KEY (ref) REFERENCES referenced (id) NOT VALID'),
  'validate foreign key': alter(
    'VALIDATE CONSTRAINT c',
    'ALTER TABLE target ADD CONSTRAINT c FOREIGN KEY (ref) REFERENCES referenced (id) NOT VALID',
  ),
  'add unique': alter('ADD CONSTRAINT c UNIQUE (a)'),
  'add primary key': alter('ADD PRIMARY KEY (id)', NO_KEY),
  'add primary key nullable': alter('ADD PRIMARY KEY (b)', NO_KEY),
  'add unique using index': alter('ADD CONSTRAINT c UNIQUE USING INDEX u', 'CREATE UNIQUE INDEX u ON target (a)'),
  'add primary key using index': alter('ADD CONSTRAINT c PRIMARY KEY USING INDEX u', `${NO_KEY}; CREATE UNIQUE INDEX u ON target (a)`),
  'add primary key using index nullable': alter(
    'ADD CONSTRAINT c PRIMARY KEY USING INDEX u',
    `${NO_KEY}; CREATE UNIQUE INDEX u ON target (b)`,
  ),
  'add exclude': alter('ADD CONSTRAINT c EXCLUDE USING gist (span WITH &&)'),
  'drop check': alter('DROP CONSTRAINT c', 'ALTER TABLE target ADD CONSTRAINT c CHECK (a > 0)'),
  'drop unique': alter('DROP CONSTRAINT c', 'ALTER TABLE target ADD CONSTRAINT c UNIQUE (a)'),
  'drop foreign key': alter('DROP CONSTRAINT fk', REFERENCING),
  'drop key referenced': alter('DROP CONSTRAINT target_pkey CASCADE', CHILD),
  'alter constraint': alter('ALTER CONSTRAINT fk DEFERRABLE', REFERENCING),
  'rename constraint': alter('RENAME CONSTRAINT target_pkey TO c'),
  'domain add check': one('ALTER DOMAIN amount ADD CONSTRAINT c CHECK (VALUE > 0)', DOMAIN),
  'domain add check not valid': one('ALTER DOMAIN amount ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID', DOMAIN),
  'domain validate': one(
    'ALTER DOMAIN amount VALIDATE CONSTRAINT c',
    `${DOMAIN}; ALTER DOMAIN amount ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID`,
  ),
  'domain set not null': one('ALTER DOMAIN amount SET NOT NULL', DOMAIN),
  'domain drop constraint': one(
    'ALTER DOMAIN amount DROP CONSTRAINT c',
    `${DOMAIN}; ALTER DOMAIN amount ADD CONSTRAINT c CHECK (VALUE > 0)`,
  ),
};

const TABLES: Readonly<Record<string, Form>> = {
  'create table': one('CREATE TABLE x (id bigint PRIMARY KEY)'),
  'create table references': one('CREATE TABLE x (id bigint PRIMARY KEY, r bigint REFERENCES referenced (id))'),
  'create table partition of': one(`CREATE TABLE x PARTITION OF parent FOR VALUES FROM ('2030-03-01') TO ('2030-04-01')`, ATTACHED),
  'create table partition of with default': one(
    `CREATE TABLE x PARTITION OF parent FOR VALUES FROM ('2030-03-01') TO ('2030-04-01')`,
    DEFAULTED,
  ),
  'create table partition of referencing': one(
    `CREATE TABLE x PARTITION OF parent FOR VALUES FROM ('2030-03-01') TO ('2030-04-01')`,
    REFERENCING_PARTS,
  ),
  'create table inherits': one('CREATE TABLE x () INHERITS (target)'),
  'create table like': one('CREATE TABLE x (LIKE target INCLUDING ALL)'),
  'create table as': one('CREATE TABLE x AS SELECT * FROM target'),
  'drop table': one('DROP TABLE target'),
  'drop table referencing': one('DROP TABLE target', REFERENCING),
  'drop table cascade': one('DROP TABLE target CASCADE', CHILD),
  'drop table partition': one('DROP TABLE partition', ATTACHED),
  'rename table': alter('RENAME TO x'),
  'set schema': alter('SET SCHEMA public'),
  owner: alter('OWNER TO slipway'),
  'set options': alter('SET (fillfactor = 70)'),
  'set logged': alter('SET UNLOGGED'),
  'set tablespace': alter('SET TABLESPACE elsewhere'),
  'set access method': alter('SET ACCESS METHOD other_heap'),
  'cluster on': alter('CLUSTER ON an_index'),
  'replica identity': alter('REPLICA IDENTITY FULL'),
  inherit: one('ALTER TABLE child INHERIT target', 'CREATE TABLE child (LIKE target INCLUDING ALL)'),
  'no inherit': one('ALTER TABLE child NO INHERIT target', 'CREATE TABLE child () INHERITS (target)'),
  'row security': alter('ENABLE ROW LEVEL SECURITY'),
  'create policy': one('CREATE POLICY p ON target USING (true)'),
  'alter policy': one('ALTER POLICY p ON target USING (false)', 'CREATE POLICY p ON target USING (true)'),
  'drop policy': one('DROP POLICY p ON target', 'CREATE POLICY p ON target USING (true)'),
  'create rule': one('CREATE RULE r AS ON INSERT TO target DO ALSO NOTHING'),
  'drop rule': one('DROP RULE r ON target', 'CREATE RULE r AS ON INSERT TO target DO ALSO NOTHING'),
  'create trigger': one('CREATE TRIGGER touch BEFORE INSERT ON target FOR EACH ROW EXECUTE PROCEDURE touched()', FUNCTION),
  'drop trigger': one('DROP TRIGGER touch ON target', TRIGGER),
  'switch trigger': alter('DISABLE TRIGGER touch', TRIGGER),
  'switch rule': alter('DISABLE RULE r', 'CREATE RULE r AS ON INSERT TO target DO ALSO NOTHING'),
  'rename trigger': one('ALTER TRIGGER touch ON target RENAME TO x', TRIGGER),
  'attach partition': one(`ALTER TABLE parent ATTACH PARTITION partition FOR VALUES FROM ('2030-01-01') TO ('2030-02-01')`, PARTS),
  'attach partition checked': one(
    `ALTER TABLE parent ATTACH PARTITION partition FOR VALUES FROM ('2030-01-01') TO ('2030-02-01')`,
    `${PARTS}; ALTER TABLE partition ADD CHECK (day >= '2030-01-01' AND day < '2030-02-01')`,
  ),
  'attach partition with default': one(
    `ALTER TABLE parent ATTACH PARTITION partition FOR VALUES FROM ('2030-01-01') TO ('2030-02-01')`,
    DEFAULTED,
  ),
  'attach partition referencing': one(
    `ALTER TABLE parent ATTACH PARTITION partition FOR VALUES FROM ('2030-01-01') TO ('2030-02-01')`,
    KEYLESS_PART,
  ),
  'attach partition with own key': one(
    `ALTER TABLE parent ATTACH PARTITION partition FOR VALUES FROM ('2030-01-01') TO ('2030-02-01')`,
    REFERENCING_PARTS,
  ),
  'detach partition referenced': one('ALTER TABLE parent DETACH PARTITION partition', REFERENCED_PARTS),
  'detach partition': one('ALTER TABLE parent DETACH PARTITION partition', ATTACHED),
  'detach partition concurrently': alone('ALTER TABLE parent DETACH PARTITION partition CONCURRENTLY', ATTACHED),
  truncate: one('TRUNCATE target'),
  'truncate cascade': one('TRUNCATE target CASCADE', CHILD),
  'comment on table': one(`COMMENT ON TABLE target IS 'x'`),
  'comment on column': one(`COMMENT ON COLUMN target.b IS 'x'`),
  'comment on constraint': one(`COMMENT ON CONSTRAINT target_pkey ON target IS 'x'`),
  'comment on index': one(`COMMENT ON INDEX an_index IS 'x'`),
  'publish table': one('CREATE PUBLICATION p FOR TABLE target'),
  'grant on table': one('GRANT SELECT ON target TO public'),
  'create statistics': one('CREATE STATISTICS s ON a, b FROM target'),
};

const INDEXES: Readonly<Record<string, Form>> = {
  'create index': one('CREATE INDEX ON target (b)'),
  'create index concurrently': alone('CREATE INDEX CONCURRENTLY x ON target (b)'),
  'drop index': one('DROP INDEX an_index'),
  'drop index concurrently': alone('DROP INDEX CONCURRENTLY an_index'),
  'rename index': one('ALTER INDEX an_index RENAME TO x'),
  'set index options': one('ALTER INDEX an_index SET (fillfactor = 70)'),
  'set index tablespace': one('ALTER INDEX an_index SET TABLESPACE elsewhere'),
  'create index on partitioned': one('CREATE INDEX ON parent (id)', ATTACHED),
  'reindex index': one('REINDEX INDEX an_index'),
  'reindex table': one('REINDEX TABLE target'),
  // Which of several tables comes first is the catalog's whim, and only the first is seen to wait.
  'reindex schema': alone('REINDEX SCHEMA s', 'DROP TABLE referenced'),
  'reindex concurrently': alone('REINDEX TABLE CONCURRENTLY target'),
  cluster: one('CLUSTER target USING an_index'),
  vacuum: alone('VACUUM target'),
  'vacuum full': alone('VACUUM FULL target'),
  analyze: one('ANALYZE target'),
  'refresh materialized view': one('REFRESH MATERIALIZED VIEW a_view', VIEW),
  'refresh materialized view concurrently': one('REFRESH MATERIALIZED VIEW CONCURRENTLY a_view', VIEW),
  'create view': one('CREATE VIEW x AS SELECT id FROM target'),
  'replace view': one('CREATE OR REPLACE VIEW a_view AS SELECT id FROM target', 'CREATE VIEW a_view AS SELECT id FROM target'),
  'drop view': one('DROP VIEW a_view', 'CREATE VIEW a_view AS SELECT id FROM target'),
  'drop materialized view': one('DROP MATERIALIZED VIEW a_view', VIEW),
  'alter sequence': one('ALTER SEQUENCE a_sequence INCREMENT 2', 'CREATE SEQUENCE a_sequence'),
};

const ROWS: Readonly<Record<string, Form>> = {
  select: one('SELECT count(*) FROM target'),
  'select for update': one('SELECT 1 FROM target WHERE a > 0 FOR UPDATE'),
  insert: one('INSERT INTO target (id, a) VALUES (1000, 1)'),
  update: one('UPDATE target SET b = 1'),
  delete: one('DELETE FROM target'),
  merge: one('MERGE INTO target USING referenced ON target.id = referenced.id WHEN MATCHED THEN UPDATE SET b = 1'),
};

/** All forms. The order is that of the generated file. */
export const FORMS: Readonly<Record<string, Form>> = { ...COLUMNS, ...CONSTRAINTS, ...TABLES, ...INDEXES, ...ROWS };
