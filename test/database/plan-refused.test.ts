import { describe, expect, it } from 'vitest';
import { lintPending, planMigrations } from '../../src/database/index.ts';
import { migrationWorld } from './migration-world.ts';

const world = migrationWorld();

const SHOP = `CREATE TABLE customers (id bigint PRIMARY KEY, name text, old text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint CONSTRAINT of_customer REFERENCES customers (id), total int);
CREATE INDEX orders_total ON orders (total);
CREATE VIEW customer_totals AS SELECT c.name, sum(o.total) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY 1;
CREATE MATERIALIZED VIEW names AS SELECT old FROM customers;
CREATE TABLE parent (id int); CREATE TABLE heir (more int) INHERITS (parent);
CREATE SCHEMA app; CREATE TABLE app.things (id int);
CREATE SEQUENCE numbers; CREATE TYPE state AS ENUM ('new'); CREATE TABLE days (day date, note text) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); CREATE VIEW notes AS SELECT note FROM days_1;
CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER watch BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION seen();
INSERT INTO customers VALUES (1, 'a', 'b');`;

describe('what PostgreSQL will refuse, as its catalog says', () => {
  it.each([
    ['ALTER TABLE customers DROP COLUMN name', 'it drops the column customers.name, which view customer_totals still needs'],
    ['ALTER TABLE customers DROP COLUMN name CASCADE', null],
    ['DROP VIEW customer_totals; ALTER TABLE customers DROP COLUMN name', null],
    [
      'ALTER TABLE customers DROP COLUMN id',
      'it drops the column customers.id, which view customer_totals and foreign key of_customer of orders still need',
    ],
    [
      'DROP TABLE customers',
      'it drops the table customers, which view customer_totals and view names and foreign key of_customer of orders still need',
    ],
    [
      'DROP TABLE IF EXISTS customers',
      'it drops the table customers, which view customer_totals and view names and foreign key of_customer of orders still need',
    ],
    ['DROP TABLE customers CASCADE', null],
    ['DROP VIEW customer_totals; DROP MATERIALIZED VIEW names; DROP TABLE customers, orders', null],
    ['DROP TABLE parent', 'it drops the table parent, which table heir, which inherits from it, still needs'],
    [
      'ALTER TABLE customers ALTER name TYPE varchar(90)',
      'it changes the type of customers.name, which view customer_totals reads; drop the view first and make it again after',
    ],
    ['ALTER TABLE customers ADD COLUMN old text', 'column old of customers is there already'],
    ['ALTER TABLE customers ADD COLUMN IF NOT EXISTS old text', null],
    ['DROP MATERIALIZED VIEW names; ALTER TABLE customers ADD COLUMN old text, DROP COLUMN old', null],
    ['ALTER TABLE customers ALTER gone SET NOT NULL', 'column gone of customers is not there'],
    ['ALTER TABLE heir ALTER id SET NOT NULL', null],
    ['ALTER TABLE days DROP COLUMN note', 'it drops the column days.note, which view notes still needs'],
    ['DROP TABLE days', 'it drops the table days, which view notes still needs'],
    ['DROP VIEW notes; DROP TABLE days', null],
    ['DROP INDEX nowhere', 'nowhere is not there'],
    ["INSERT INTO customers (id, nickname) VALUES (9, 'x')", 'column nickname of customers is not there'],
    ["ALTER TABLE customers ADD COLUMN nickname text; INSERT INTO customers (id, nickname) VALUES (9, 'x')", null],
    ['UPDATE orders o SET gone = c.id, total = 1 FROM customers c', 'column gone of orders is not there'],
    ['UPDATE heir SET id = 1, more = 2', null],
    ['ALTER TABLE days_1 ADD COLUMN x int', 'it adds the column x to days_1, which is a partition; add it to days'],
    ['DROP VIEW nowhere', 'nowhere is not there'],
    ['DROP INDEX IF EXISTS nowhere; DROP INDEX orders_total', null],
    [
      'CREATE INDEX CONCURRENTLY i ON days (note)',
      'it builds an index CONCURRENTLY on days, which is partitioned; build it on each partition, then attach them to one ON ONLY days',
    ],
    ['ALTER TABLE parent ADD COLUMN x int; ALTER TABLE heir ALTER x SET NOT NULL', null],
    ['ALTER TABLE customers DROP COLUMN IF EXISTS gone', null],
    ['ALTER TABLE nowhere ADD COLUMN x int', 'nowhere is not there'],
    ['ALTER TABLE IF EXISTS nowhere ADD COLUMN x int', null],
    ['UPDATE app.nothing SET x = 1', 'app.nothing is not there'],
    ['TRUNCATE app.things', null],
    ['INSERT INTO api_key (id) VALUES (1)', 'api_key is not there'],
    ['ALTER TABLE orders_pkey RENAME TO k', null],
    ['DROP TABLE nowhere', 'nowhere is not there'],
    ['CREATE TABLE customers (id int)', 'table customers is there already'],
    ['CREATE TEMP TABLE customers (id int)', null],
    ['CREATE TEMP TABLE t (id int); INSERT INTO t SELECT id FROM orders; TRUNCATE t; DROP TABLE t; CREATE TABLE t (x int)', null],
    ['CREATE TEMP TABLE t (id int); DROP TABLE t; DROP TABLE t', 't is not there'],
    ['CREATE TABLE app.customers (id int); CREATE INDEX orders_total ON app.customers (id)', null],
    [
      'CREATE TABLE fresh (id int); ALTER TABLE fresh ADD COLUMN x int; CREATE INDEX fresh_x ON fresh (x); DROP TABLE fresh; CREATE TABLE fresh (x int); CREATE INDEX fresh_x ON fresh (x)',
      null,
    ],
    ['DROP TABLE app.things; TRUNCATE app.things', 'app.things is not there'],
    ['CREATE INDEX orders_total ON orders (id)', 'index orders_total is there already'],
    ['DROP INDEX orders_total; CREATE INDEX orders_total ON orders (id)', null],
    ['ALTER TABLE orders DROP CONSTRAINT orders_pkey; CREATE UNIQUE INDEX orders_pkey ON orders (id)', null],
    ['CREATE VIEW customer_totals AS SELECT 1 AS a', 'view customer_totals is there already'],
    ['DROP MATERIALIZED VIEW names; CREATE MATERIALIZED VIEW names AS SELECT 1 AS a', null],
    ['ALTER TABLE orders ADD CONSTRAINT of_customer CHECK (total > 0)', 'constraint of_customer of orders is there already'],
    ['DO $$ BEGIN CREATE TABLE made (id int); END $$; ALTER TABLE made ADD COLUMN x int', null],
    [
      'ALTER TABLE orders RENAME total TO sum; ALTER TABLE customers DROP COLUMN name',
      'it drops the column customers.name, which view customer_totals still needs',
    ],
    [
      'ALTER TABLE customers RENAME name TO called; ALTER TABLE customers DROP COLUMN called',
      'it drops the column customers.called, which view customer_totals still needs',
    ],
    ['ALTER TABLE customers RENAME name TO called; ALTER TABLE customers ADD name text; ALTER TABLE customers DROP COLUMN name', null],
    [
      'ALTER TABLE customers RENAME TO clients; DROP TABLE clients',
      'it drops the table clients, which view customer_totals and view names and foreign key of_customer of orders still need',
    ],
    ['ALTER TABLE orders RENAME TO bought; DROP TABLE orders', 'orders is not there'],
    ['ALTER TABLE parent RENAME TO p; DROP TABLE p', 'it drops the table p, which table heir, which inherits from it, still needs'],
    ['ALTER TABLE parent RENAME id TO k; ALTER TABLE heir ADD COLUMN k int', 'column k of heir is there already'],
    ['ALTER TABLE orders RENAME CONSTRAINT orders_pkey TO k; CREATE INDEX k ON orders (total)', 'index k is there already'],
    ['ALTER INDEX orders_total RENAME TO k; CREATE INDEX orders_total ON orders (total)', null],
    ['ALTER VIEW customer_totals RENAME TO t; DROP VIEW t; ALTER TABLE customers DROP COLUMN name', null],
    ['DROP FUNCTION seen()', 'it cannot drop function seen: trigger watch of orders still needs it'],
    ['ALTER TRIGGER watch ON orders RENAME TO w; DROP TRIGGER w ON orders; DROP FUNCTION seen()', null],
    [
      'CREATE EXTENSION IF NOT EXISTS plpgsql; ALTER TABLE customers DROP COLUMN name',
      'it drops the column customers.name, which view customer_totals still needs',
    ],
    ['SET LOCAL search_path = app; ALTER TABLE things ADD COLUMN x int', null],
    ['ALTER TABLE orders RENAME TO bills; CREATE TABLE orders (id int)', null],
    ['ALTER TABLE orders DROP CONSTRAINT nope', 'constraint nope of orders is not there'],
    ['ALTER TABLE orders DROP CONSTRAINT IF EXISTS nope', null],
    ['ALTER TABLE orders ADD CONSTRAINT nope CHECK (total > 0); ALTER TABLE orders DROP CONSTRAINT nope', null],
    ['ALTER TABLE orders ALTER total SET NOT NULL; ALTER TABLE orders DROP CONSTRAINT orders_total_not_null', null],
    ['ALTER TABLE orders ADD PRIMARY KEY (total)', 'a primary key of orders is there already'],
    ['DROP TRIGGER nope ON orders', 'trigger nope of orders is not there'],
    ['DROP POLICY nope ON orders', 'policy nope of orders is not there'],
    ['CREATE TRIGGER watch BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION seen()', 'trigger watch of orders is there already'],
    ['CREATE FUNCTION seen() RETURNS int LANGUAGE sql RETURN 1', 'function seen() is there already'],
    ['CREATE FUNCTION seen(int) RETURNS int LANGUAGE sql RETURN 1', null],
    ['CREATE SCHEMA app', 'schema app is there already'],
    ["CREATE TYPE state AS ENUM ('old')", 'type state is there already'],
    ["ALTER TYPE state ADD VALUE 'new'", "'new' of type state is there already"],
    ["ALTER TYPE state ADD VALUE 'old'", null],
    ["ALTER TABLE orders ADD state state DEFAULT 'old'", "it gives 'old' for state, which has no such value"],
    ["CREATE TYPE other AS ENUM ('old'); ALTER TABLE orders ADD state other DEFAULT 'old'", null],
    ['ALTER TABLE orders ADD state stat', 'type stat is not there'],
    ['INSERT INTO customers (id) VALUES (NULL)', 'it gives NULL for customers.id, which is NOT NULL'],
    ['CREATE VIEW more AS SELECT * FROM nowhere', 'nowhere is not there'],
    ['GRANT SELECT ON orders TO nobody', 'role nobody is not there'],
    ['ALTER TABLE orders OWNER TO nobody', 'role nobody is not there'],
    ['GRANT SELECT ON nowhere TO public', 'nowhere is not there'],
    ["COMMENT ON COLUMN orders.gone IS 'x'", 'column gone of orders is not there'],
    ['CREATE TABLE more (id serial); ALTER TABLE more_id_seq OWNER TO CURRENT_USER', null],
  ] as const)('%s', async (sql, why) => {
    await world.query(SHOP);
    world.files({ '1_change.sql': `${sql};` });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files.flatMap(({ refusals }) => refusals)).toEqual(why === null ? [] : [{ line: 1, why }]);
    const ran = await world.query(`BEGIN; ${sql}; ROLLBACK`).then(
      () => 'done',
      () => 'refused',
    );
    expect(ran).toBe(why === null ? 'done' : 'refused');
  });

  it('nothing that an earlier pending file changes, and nothing after one that nobody can follow', async () => {
    await world.query(SHOP);
    world.files({
      '1_drop.sql': 'DROP VIEW customer_totals;',
      '2_drop.sql': 'ALTER TABLE customers DROP COLUMN name;',
      '3_again.sql': 'ALTER TABLE customers DROP COLUMN name;',
      '4_do.sql': 'DO $$ BEGIN END $$;',
      '5_again.sql': 'ALTER TABLE customers DROP COLUMN name;',
    });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files.map(({ refusals }) => refusals.length)).toEqual([0, 0, 1, 0, 0]);
    const why = 'what line 1 of 4_do leaves is not known here';
    expect(files.map(({ notLookedAt }) => notLookedAt)).toEqual([null, null, null, null, { line: 1, why }]);
  });

  it('nothing that an extension may have brought along', async () => {
    await world.query(SHOP);
    world.files({ '1_new.sql': 'CREATE EXTENSION IF NOT EXISTS plpgsql; ALTER TABLE customers ADD mail citext; SELECT * FROM brought;' });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files[0]?.refusals).toEqual([]);
  });

  it('what follows a temporary table, also in the next file', async () => {
    await world.query(SHOP);
    world.files({
      '1_temporary.sql':
        'CREATE TEMP TABLE t AS SELECT id FROM customers; CREATE INDEX ON t (id); ALTER TABLE t ADD COLUMN n int; CREATE VIEW v AS SELECT n FROM t;\nALTER TABLE customers DROP COLUMN gone;',
      '2_next.sql': 'CREATE TABLE t (id int); DROP TABLE t;\nALTER TABLE customers DROP COLUMN name;',
      '3_hides.sql': 'CREATE TEMP TABLE orders (id int);\nALTER TABLE customers DROP COLUMN name;',
    });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files.map(({ refusals }) => refusals.map(({ line }) => line))).toEqual([[2], [2], []]);
    expect(files.map(({ notLookedAt }) => notLookedAt?.line)).toEqual([undefined, undefined, 2]);
  });

  it('bare names are those of the schema that is looked into first', async () => {
    await world.query(`${SHOP} ALTER DATABASE ${world.access().name} SET search_path = app, public;`);
    world.files({
      '1_new.sql':
        'CREATE TABLE customers (id int); UPDATE things SET id = 1; TRUNCATE public.nowhere; ALTER TABLE things ADD id text; DROP TABLE customers; DROP TABLE customers',
    });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files[0]?.refusals.map(({ why }) => why)).toEqual([
      'nowhere is not there',
      'column id of app.things is there already',
      'it drops the table customers, which view customer_totals and view names and foreign key of_customer of orders still need',
    ]);
    // The release's own lint looks there too.
    const [linted] = await lintPending(world.access(), { directory: world.folder() });
    const told = linted?.findings.filter(({ rule }) => rule.endsWith('-there')).map(({ message }) => message.replace(/:.*/, ''));
    expect(told).toEqual(['nowhere is not there', 'column id of app.things is there already']);
  });

  it('only names with a schema where none is looked into', async () => {
    await world.query(`${SHOP} ALTER DATABASE ${world.access().name} SET search_path = ''`);
    world.files({ '1_new.sql': 'UPDATE app.nothing SET x = 1; TRUNCATE nowhere; ALTER TABLE app.things ADD id text' });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files[0]?.refusals.map(({ why }) => why)).toEqual(['app.nothing is not there', 'column id of app.things is there already']);
  });

  it('a new column that is NOT NULL and gets no value, as soon as there are rows', async () => {
    await world.query(`${SHOP} CREATE DOMAIN valued AS text DEFAULT 'x'`);
    world.files({
      '1_new.sql':
        'ALTER TABLE customers ADD COLUMN z text NOT NULL, ADD y valued NOT NULL, ADD x int NOT NULL DEFAULT 1;\nALTER TABLE orders ADD z text NOT NULL;',
    });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files[0]?.losses.map(({ kind, rows }) => [kind, rows])).toEqual([
      ['refused', 1],
      ['refused', 0],
      ['refused', 0],
    ]);
  });
});
