import { describe, expect, it } from 'vitest';
import { planMigrations } from '../../src/database/index.ts';
import { migrationWorld } from './migration-world.ts';

const world = migrationWorld();

const SCHEMA = `CREATE DOMAIN positive AS int;
CREATE TABLE shops (id int PRIMARY KEY);
CREATE TABLE t (id bigint PRIMARY KEY, name varchar(20), price numeric(10,4), word text, at timestamp, score double precision, level positive, shop int);
INSERT INTO shops VALUES (1);
INSERT INTO t VALUES (1, 'short', 12.3456, '12', '2026-01-01 10:30', 1.5, 1, 1), (2, 'SHORT', 5, 'twelve', '2026-01-02', 2, -1, 2),
  (3000000000, 'rather a long one', 123456, NULL, NULL, NULL, NULL, NULL);`;

/** Counts of a pending file, in words. */
async function counts(sql: string): Promise<readonly string[]> {
  await world.query(SCHEMA);
  world.files({ '1_change.sql': sql });
  const { files } = await planMigrations(world.access(), { directory: world.folder() });
  return files.flatMap(({ losses }) => losses.map(({ kind, rows, what, because }) => `${kind} ${rows ?? because} ${what}`));
}

describe('what a pending file loses, or is refused for, is counted', () => {
  it.each([
    ['ALTER TABLE t ALTER name TYPE varchar(10)', ['refused 1 values of t.name that do not fit the new type']],
    ['ALTER TABLE t ALTER name TYPE text, ALTER name TYPE varchar(30), ALTER id TYPE numeric', []],
    [
      'ALTER TABLE t ALTER id TYPE int',
      ['refused 1 values of t.id that do not fit the new type', 'lost 0 values of t.id that the new type cuts short'],
    ],
    [
      'ALTER TABLE t ALTER price TYPE numeric(7,2)',
      ['refused 1 values of t.price that do not fit the new type', 'lost 1 values of t.price that the new type cuts short'],
    ],
    [
      'ALTER TABLE t ALTER score TYPE int',
      ['refused 0 values of t.score that do not fit the new type', 'lost 1 values of t.score that the new type cuts short'],
    ],
    ['ALTER TABLE t ALTER at TYPE date', ['lost 1 values of t.at that the new type cuts short']],
    ['ALTER TABLE t ALTER word TYPE int USING word::int', ['refused 1 values of t.word that do not fit the new type']],
    ['ALTER TABLE t ALTER word TYPE int USING length(word)', ['refused no query tells values of t.word that do not fit the new type']],
    ['ALTER TABLE t ADD CHECK (price < 100)', ['refused 1 rows of t that break the new constraint']],
    ['CREATE UNIQUE INDEX u ON t (lower(name))', ['refused 2 rows of t that the index takes for the same']],
    [`CREATE UNIQUE INDEX u ON t (lower(name)) WHERE price > 10`, ['refused 0 rows of t that the index takes for the same']],
    ['ALTER DOMAIN positive ADD CHECK (VALUE > 0)', ['refused 1 values of the domain positive that break the new constraint, in t.level']],
    ['ALTER DOMAIN positive SET NOT NULL', ['refused 1 values of the domain positive that are null, in t.level']],
    ['ALTER TABLE t ADD FOREIGN KEY (shop) REFERENCES shops', ['refused 1 rows of t without their row of shops']],
    ['ALTER TABLE t ALTER gone TYPE int', ['refused no query tells values of t.gone that do not fit the new type']],
  ] as const)('%s', async (sql, expected) => {
    expect(await counts(sql)).toEqual(expected);
  });

  it('for a constraint that was added NOT VALID, and is validated later', async () => {
    await world.query(SCHEMA);
    await world.query(
      'ALTER TABLE t ADD CONSTRAINT cheap CHECK (price < 100) NOT VALID, ADD CONSTRAINT of FOREIGN KEY (shop) REFERENCES shops NOT VALID',
    );
    world.files({ '1_validate.sql': 'ALTER TABLE t VALIDATE CONSTRAINT cheap;\nALTER TABLE t VALIDATE CONSTRAINT of;' });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files[0]?.losses.map(({ rows }) => rows)).toEqual([1, 1]);
  });

  it('as the server does: what counts as refused is refused, what does not is done', async () => {
    await world.query(SCHEMA);
    for (const [change, count] of [
      ['ALTER name TYPE varchar(10)', 1],
      ['ALTER name TYPE varchar(17)', 0],
      ['ALTER id TYPE int', 1],
      ['ALTER price TYPE numeric(7,2)', 1],
      ['ALTER price TYPE numeric(8,2)', 0],
      ['ALTER word TYPE int USING word::int', 1],
    ] as const) {
      world.files({ '1_change.sql': `ALTER TABLE t ${change}` });
      const { files } = await planMigrations(world.access(), { directory: world.folder() });
      expect(files[0]?.losses.find(({ kind }) => kind === 'refused')?.rows, change).toBe(count);
      const ran = await world.query(`BEGIN; ALTER TABLE t ${change}; ROLLBACK`).then(
        () => 'done',
        () => 'refused',
      );
      expect(ran, change).toBe(count === 0 ? 'done' : 'refused');
    }
  });
});

const SHOP = `CREATE TABLE customers (id bigint PRIMARY KEY, name text, old text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint CONSTRAINT of_customer REFERENCES customers (id), total int);
CREATE INDEX orders_total ON orders (total);
CREATE VIEW customer_totals AS SELECT c.name, sum(o.total) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY 1;
CREATE MATERIALIZED VIEW names AS SELECT old FROM customers;
CREATE TABLE parent (id int); CREATE TABLE heir (more int) INHERITS (parent);
CREATE SCHEMA app; CREATE TABLE app.things (id int);
CREATE SEQUENCE numbers;
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
    ['ALTER TABLE customers ADD COLUMN old text', 'it adds the column customers.old, which is there already'],
    ['ALTER TABLE customers ADD COLUMN IF NOT EXISTS old text', null],
    ['DROP MATERIALIZED VIEW names; ALTER TABLE customers ADD COLUMN old text, DROP COLUMN old', null],
    ['ALTER TABLE customers ALTER gone SET NOT NULL', 'there is no column customers.gone'],
    ['ALTER TABLE heir ALTER id SET NOT NULL', null],
    ['ALTER TABLE parent ADD COLUMN x int; ALTER TABLE heir ALTER x SET NOT NULL', null],
    ['ALTER TABLE customers DROP COLUMN IF EXISTS gone', null],
    ['ALTER TABLE nowhere ADD COLUMN x int', 'there is no table nowhere'],
    ['ALTER TABLE IF EXISTS nowhere ADD COLUMN x int', null],
    ['UPDATE app.nothing SET x = 1', 'there is no table app.nothing'],
    ['TRUNCATE app.things', null],
    ['DROP TABLE nowhere', 'there is no table nowhere'],
    ['CREATE TABLE customers (id int)', 'it makes the table customers, and there is a table of that name already'],
    ['CREATE TEMP TABLE customers (id int)', null],
    ['CREATE TABLE app.customers (id int); CREATE INDEX orders_total ON app.customers (id)', null],
    [
      'CREATE TABLE fresh (id int); ALTER TABLE fresh ADD COLUMN x int; CREATE INDEX fresh_x ON fresh (x); DROP TABLE fresh; CREATE TABLE fresh (x int); CREATE INDEX fresh_x ON fresh (x)',
      null,
    ],
    ['DROP TABLE app.things; TRUNCATE app.things', 'there is no table app.things'],
    ['CREATE INDEX orders_total ON orders (id)', 'it makes the index orders_total, and there is an index of that name already'],
    ['DROP INDEX orders_total; CREATE INDEX orders_total ON orders (id)', null],
    ['ALTER TABLE orders DROP CONSTRAINT orders_pkey; CREATE UNIQUE INDEX orders_pkey ON orders (id)', null],
    ['CREATE VIEW customer_totals AS SELECT 1 AS a', 'it makes the view customer_totals, and there is a view of that name already'],
    ['DROP MATERIALIZED VIEW names; CREATE MATERIALIZED VIEW names AS SELECT 1 AS a', null],
    [
      'ALTER TABLE orders ADD CONSTRAINT of_customer CHECK (total > 0)',
      'it adds the constraint of_customer to orders, which has one of that name already',
    ],
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
    ['ALTER TABLE orders RENAME TO bought; DROP TABLE orders', 'there is no table orders'],
    ['ALTER TABLE parent RENAME TO p; DROP TABLE p', 'it drops the table p, which table heir, which inherits from it, still needs'],
    ['ALTER TABLE parent RENAME id TO k; ALTER TABLE heir ADD COLUMN k int', 'it adds the column heir.k, which is there already'],
    [
      'ALTER TABLE orders RENAME CONSTRAINT orders_pkey TO k; CREATE INDEX k ON orders (total)',
      'it makes the index k, and there is an index of that name already',
    ],
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

  it('nothing of bare names where another schema is looked into first', async () => {
    await world.query(`${SHOP} ALTER DATABASE ${world.access().name} SET search_path = app, public;`);
    world.files({ '1_new.sql': 'CREATE TABLE customers (id int); UPDATE things SET id = 1; TRUNCATE public.nowhere;' });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files[0]?.refusals.map(({ why }) => why)).toEqual(['there is no table nowhere']);
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

describe('the ledger of a file', () => {
  it('does not say that nothing depends on a table it did not find', async () => {
    world.files({
      '1_gone.sql': 'ALTER TABLE elsewhere DROP COLUMN a;',
      '2_both.sql': 'DROP TABLE elsewhere; CREATE TABLE mine (id int);',
    });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    const lost = 'not known for elsewhere, which the database does not have';
    expect(files.map(({ ledger }) => ledger.dependants.value)).toEqual([lost, lost]);
  });

  it('has all that is known, what is declared, and says what nobody knows', async () => {
    await world.query(SCHEMA);
    world.files({
      '1_change.sql': `-- slipway: ledger workers "the nightly report reads t.name"
ALTER TABLE t ALTER name TYPE text, ADD COLUMN note text NOT NULL DEFAULT '';
ALTER TABLE t ALTER price SET NOT NULL;`,
      '2_again.sql': 'ALTER TABLE t DROP COLUMN note;',
    });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files[0]?.ledger).toMatchObject({
      'old-shape': { value: 't (name varchar(20), price numeric(10,4), no note)', from: 'database' },
      'new-shape': { value: 't (name text, price numeric(10,4) not null, note text not null)', from: 'database' },
      rows: { value: '0 rows of t where price is null; t: rows not known', from: 'database' },
      workers: { value: 'the nightly report reads t.name', from: 'declared' },
      reporting: { value: null, from: 'unknown' },
      'new-code': { value: null, from: 'unknown' },
      validation: { value: 'SELECT count(*)::float8 AS rows FROM "t" WHERE "price" IS NULL -- 0', from: 'file' },
      dependants: { value: 'no view and no function of the database', from: 'database' },
    });
    expect(files[1]?.ledger['old-shape'].value).toBe('t (note text not null)');
    const offline = await planMigrations(null, { directory: world.folder() });
    expect(offline.files[0]?.ledger['old-shape']).toEqual({ value: null, from: 'unknown' });
  });

  it('refuses a line that it does not understand', async () => {
    world.files({ '1_change.sql': '-- slipway: ledger worker "x"\nSELECT 1;' });
    await expect(planMigrations(null, { directory: world.folder() })).rejects.toThrow(
      '1_change.sql:1: write: -- slipway: ledger FIELD "text"',
    );
  });
});
