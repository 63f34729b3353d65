import { describe, expect, it } from 'vitest';
import { planMigrations } from '../../src/database/index.ts';
import { migrationWorld } from './migration-world.ts';

const world = migrationWorld();

const SHOP = `CREATE TABLE customers (id int PRIMARY KEY, code text UNIQUE, boss int CONSTRAINT led REFERENCES customers);
CREATE TABLE orders (id int PRIMARY KEY, customer int CONSTRAINT of_customer REFERENCES customers);
CREATE TABLE visits (code text CONSTRAINT by_code REFERENCES customers (code) ON DELETE RESTRICT);
CREATE TABLE notes (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE, late int CONSTRAINT late REFERENCES customers DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE lines (note int CONSTRAINT of_note REFERENCES notes, customer int CONSTRAINT of_line REFERENCES customers);
CREATE TABLE days (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day); CREATE TABLE days_1 PARTITION OF days DEFAULT;
CREATE TABLE uses (id int, day date, CONSTRAINT on_day FOREIGN KEY (id, day) REFERENCES days) PARTITION BY RANGE (day); CREATE TABLE uses_1 PARTITION OF uses DEFAULT;
CREATE TABLE "Odd" (id int PRIMARY KEY); CREATE TABLE odd_users (odd int CONSTRAINT odd REFERENCES "Odd");
CREATE TABLE watched (id int PRIMARY KEY); CREATE TABLE watchers (w int REFERENCES watched);
CREATE FUNCTION also() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM watchers WHERE w = old.id; RETURN old; END $$;
CREATE TRIGGER also BEFORE DELETE ON watched FOR EACH ROW EXECUTE FUNCTION also();
INSERT INTO customers VALUES (1, 'a', NULL), (2, 'b', 1), (3, 'c', 3), (4, 'd', NULL), (5, 'e', NULL);
INSERT INTO orders VALUES (1, 4), (2, 4), (3, NULL); INSERT INTO visits VALUES ('e'), (NULL); INSERT INTO notes VALUES (1, NULL, 3);
INSERT INTO customers VALUES (6, 'f', NULL), (7, 'g', NULL); INSERT INTO notes VALUES (2, 6, NULL), (3, 7, NULL); INSERT INTO lines VALUES (2, NULL), (2, NULL), (NULL, 7);
CREATE TABLE files (note int CONSTRAINT of_file REFERENCES notes ON DELETE CASCADE, name text UNIQUE); CREATE TABLE reads (file text CONSTRAINT of_read REFERENCES files (name));
INSERT INTO customers VALUES (8, 'h', NULL); INSERT INTO notes VALUES (4, 8, NULL); INSERT INTO files VALUES (4, 'x'); INSERT INTO reads VALUES ('x');
INSERT INTO days VALUES (1, '2026-01-01'); INSERT INTO uses VALUES (1, '2026-01-01'); INSERT INTO "Odd" VALUES (1); INSERT INTO odd_users VALUES (1);
INSERT INTO watched VALUES (1); INSERT INTO watchers VALUES (1);`;

const CUSTOMERS = 'rows that reference what it deletes of customers: of';

/** Counts of a pending file that are not 0, in words, and whether the server takes it. */
async function counted(...files: readonly string[]) {
  await world.query(SHOP);
  world.files(Object.fromEntries(files.map((sql, index) => [`${index + 1}_delete.sql`, sql])));
  const plan = await planMigrations(world.access(), { directory: world.folder() });
  const losses = plan.files.flatMap((file) => file.losses).filter(({ kind }) => kind === 'refused');
  const done = await world.query(`BEGIN; ${files.join(';')}; ROLLBACK`).then(
    () => true,
    () => false,
  );
  return { counts: losses.filter(({ rows }) => rows !== 0).map(({ rows, what, because }) => `${rows ?? because ?? ''} ${what}`), done };
}

describe('rows of a DELETE that a foreign key holds are counted, and the server refuses it', () => {
  it.each([
    ['DELETE FROM customers WHERE id = 4', [`2 ${CUSTOMERS} orders by of_customer`]],
    ['DELETE FROM customers c WHERE c.id = 4 RETURNING id', [`2 ${CUSTOMERS} orders by of_customer`]],
    [
      '-- out with it\nDELETE FROM ONLY customers AS "Gone" USING orders o WHERE o.customer = "Gone".id -- so it is',
      [`2 ${CUSTOMERS} orders by of_customer`],
    ],
    ['WITH old AS (SELECT 4 AS id) DELETE FROM customers WHERE id IN (SELECT id FROM old)', [`2 ${CUSTOMERS} orders by of_customer`]],
    [`DELETE FROM customers WHERE code = 'e'`, [`1 ${CUSTOMERS} visits by by_code`]],
    ['DELETE FROM customers WHERE id = 1', [`1 ${CUSTOMERS} customers by led`]],
    ['DELETE FROM customers WHERE id = 6', [`2 ${CUSTOMERS} lines by of_note, by way of notes`]],
    ['DELETE FROM customers WHERE id = 7', [`1 ${CUSTOMERS} lines by of_line`]],
    ['DELETE FROM customers WHERE id = 8', [`1 ${CUSTOMERS} reads by of_read, by way of notes, files`]],
    ['DELETE FROM customers WHERE id < 6', [`2 ${CUSTOMERS} orders by of_customer`, `1 ${CUSTOMERS} visits by by_code`]],
    ['DELETE FROM days', ['1 rows that reference what it deletes of days: of uses by on_day']],
    ['DELETE FROM days_1', ['1 rows that reference what it deletes of days_1: of uses by on_day']],
    ['DELETE FROM "Odd"', ['1 rows that reference what it deletes of Odd: of odd_users by odd']],
    ['DELETE FROM visits; DELETE FROM customers WHERE id = 4', [`2 ${CUSTOMERS} orders by of_customer`]],
  ])('%s', async (sql, counts) => {
    expect(await counted(sql)).toEqual({ counts, done: false });
  });
});

describe('nothing is said of a DELETE that the server takes', () => {
  it.each([
    ['DELETE FROM customers WHERE id IN (1, 2)'],
    ['DELETE FROM customers WHERE id = 3; SET CONSTRAINTS ALL DEFERRED'],
    ['DELETE FROM orders'],
    ['DELETE FROM notes WHERE id = 1'],
    ['DELETE FROM lines; DELETE FROM customers WHERE id = 6'],
    ['DELETE FROM reads; DELETE FROM customers WHERE id = 8'],
    // What goes before, or with it, may take along what holds.
    ['DELETE FROM orders WHERE customer = 4; DELETE FROM customers WHERE id = 4'],
    ['UPDATE orders SET customer = NULL; DELETE FROM customers WHERE id = 4'],
    ['ALTER TABLE orders DROP CONSTRAINT of_customer; DELETE FROM customers WHERE id = 4'],
    ['DO $$ BEGIN DELETE FROM orders; END $$; DELETE FROM customers WHERE id = 4'],
    ['TRUNCATE orders; DELETE FROM customers WHERE id = 4'],
    ['UPDATE customers SET id = 7 WHERE id = 5 AND false; DELETE FROM customers WHERE id = 2'],
    ['DELETE FROM watched'],
  ])('%s', async (sql) => {
    expect(await counted(sql)).toEqual({ counts: [], done: true });
  });

  it('because of what an earlier pending file does', async () => {
    expect(await counted('DELETE FROM orders', 'DELETE FROM customers WHERE id = 4')).toEqual({ counts: [], done: true });
  });

  it('where no database is asked: only that tells', async () => {
    world.files({ '1_delete.sql': 'DELETE FROM customers; ALTER TABLE t ADD COLUMN c positive DEFAULT 0' });
    expect((await planMigrations(null, { directory: world.folder() })).files[0]?.losses).toEqual([]);
  });
});

describe('a new column of a domain is refused where its value breaks the rules of that', () => {
  const DOMAINS = `CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE DOMAIN few AS positive CONSTRAINT few CHECK (VALUE < 10);
    CREATE DOMAIN filled AS text NOT NULL; CREATE DOMAIN given AS text DEFAULT 'x' NOT NULL CHECK (VALUE <> ''); CREATE DOMAIN free AS text;
    CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2); CREATE TABLE none (id int);`;
  const what = (domain: string): string => `2 rows of t, for which the new column c breaks the rules of its domain ${domain}`;

  it.each([
    ['ADD COLUMN c positive DEFAULT 0', [what('positive')]],
    ['ADD COLUMN c positive DEFAULT 1', []],
    ['ADD COLUMN c positive', []],
    ['ADD COLUMN c few DEFAULT -1', [what('few')]],
    ['ADD COLUMN c public.few DEFAULT 11', [what('public.few')]],
    ['ADD COLUMN c filled', [what('filled')]],
    [`ADD COLUMN c filled DEFAULT 'a'`, []],
    ['ADD COLUMN c filled DEFAULT NULL', [what('filled')]],
    ['ADD COLUMN c given', []],
    [`ADD COLUMN c given DEFAULT ''`, [what('given')]],
    [`ADD COLUMN c free DEFAULT ''`, []],
    ['ADD COLUMN c few[] DEFAULT ARRAY[1]', []],
  ])('%s', async (change, expected) => {
    await world.query(DOMAINS);
    world.files({ '1_add.sql': `ALTER TABLE t ${change}` });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    const losses = files.flatMap((file) => file.losses);
    expect(losses.filter(({ rows }) => rows !== 0).map((one) => `${one.rows ?? one.because ?? ''} ${one.what}`)).toEqual(expected);
    const run = (table: string): Promise<boolean> =>
      world.query(`BEGIN; ALTER TABLE ${table} ${change}; ROLLBACK`).then(
        () => true,
        () => false,
      );
    // What no row meets is taken.
    expect([await run('t'), await run('none')]).toEqual([expected.length === 0, true]);
  });
});
