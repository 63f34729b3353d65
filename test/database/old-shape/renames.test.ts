import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookAtShapes, openAccess, pendingContractions } from '../../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

const TABLES = `CREATE TABLE customers (id int PRIMARY KEY, name text); CREATE SCHEMA crm; CREATE TYPE mood AS ENUM ('sad', 'glad');
  CREATE TABLE diary (day int, felt mood); CREATE VIEW names AS SELECT id, name FROM customers;
  CREATE FUNCTION greeting(who text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'Hello ' || who $$; INSERT INTO customers VALUES (1, 'Ann')`;

/** What the version that serves sends. */
const OLD = {
  customers: [
    'SELECT id, name FROM customers',
    `INSERT INTO customers (id, name) VALUES (7, 'Bob') ON CONFLICT DO NOTHING`,
    `UPDATE customers SET name = 'Cy' WHERE id = 7`,
    'DELETE FROM customers WHERE id = 7',
  ],
  names: ['SELECT name FROM names'],
  greeting: [`SELECT greeting('Ann')`],
  mood: [`SELECT 'sad'::mood`],
};

let server: TestPostgres;
let folder: string;
let number = 0;
beforeAll(async () => {
  server = await startPostgres();
  folder = await mkdtemp(join(tmpdir(), 'renames-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

async function place(files: readonly string[], before = '') {
  number += 1;
  const access = openAccess(await server.create(`renames${number}`));
  const query = (sql: string) => server.query(access.name, sql);
  await query(`${TABLES};${before}`);
  const directory = await mkdtemp(join(folder, 'files-'));
  for (const [index, sql] of files.entries()) await writeFile(join(directory, `${index + 1}_file.sql`), sql);
  const { contractions } = await pendingContractions(access, { directory, shown: 'migrations', history: 'slipway' });
  return { access, query, contractions, told: contractions.flatMap(({ shapes }) => shapes.map(({ told }) => told)) };
}

/** Which of an old version's statements fail once the files are applied, whole and in order. */
async function failing(
  at: Awaited<ReturnType<typeof place>>,
  files: readonly string[],
  uses: readonly string[],
  as = '',
): Promise<readonly string[]> {
  for (const sql of files) await at.query(`BEGIN; ${sql}; COMMIT`);
  const failed: string[] = [];
  for (const sql of uses)
    await at.query(`BEGIN; ${as}; ${sql}; ROLLBACK`).catch(() => {
      failed.push(sql);
    });
  return failed;
}

const RENAME = 'ALTER TABLE customers RENAME TO clients';
const VIEW = 'CREATE VIEW customers AS SELECT * FROM clients';

describe('a name that goes is a contraction, and PostgreSQL agrees', () => {
  it.each([
    ['a table', RENAME, 'customers', 'table customers (renamed)'],
    ['a column', 'ALTER TABLE customers RENAME name TO full_name', 'customers', 'customers.name (renamed)'],
    ['a table that moves', 'ALTER TABLE public.customers SET SCHEMA crm', 'customers', 'table public.customers (renamed)'],
    ['a view', 'ALTER VIEW names RENAME TO people', 'names', 'view names (renamed)'],
    ['a column of a view', 'ALTER VIEW names RENAME COLUMN name TO full_name', 'names', 'names.name (renamed)'],
    ['a function', 'ALTER FUNCTION greeting(text) RENAME TO hello', 'greeting', 'function greeting (renamed)'],
    ['a function that moves', 'ALTER FUNCTION greeting SET SCHEMA crm', 'greeting', 'function greeting (renamed)'],
    ['a type', 'ALTER TYPE mood RENAME TO feeling', 'mood', 'type mood (renamed)'],
    ['a type that moves', 'ALTER TYPE mood SET SCHEMA crm', 'mood', 'type mood (renamed)'],
    ['a value', `ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`, 'mood', 'value sad of type mood (renamed)'],
  ] as const)('%s', async (_what, sql, used, told) => {
    const at = await place([sql]);
    expect(at.told).toEqual([told]);
    expect((await failing(at, [sql], OLD[used])).length).toBeGreaterThan(0);
  });

  it.each([
    ['an index', 'CREATE INDEX i ON customers (name)', 'ALTER INDEX i RENAME TO by_name'],
    [
      'a table of another pending file',
      '',
      'CREATE TABLE fresh (a int)',
      'ALTER TABLE fresh RENAME a TO b; ALTER TABLE fresh RENAME TO newer',
    ],
    ['a column of a table that has its name from a pending file', '', `${RENAME}; ${VIEW}`, 'ALTER TABLE clients RENAME name TO full_name'],
  ])('but not %s', async (_what, before, ...files) => {
    const at = await place(files, before);
    expect(at.told).toEqual([]);
    expect(await failing(at, files, OLD.customers)).toEqual([]);
  });
});

const ROLE = (): string => `reporter${number + 1}`;
const grants = (role: string): string => `CREATE ROLE ${role}; GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO ${role}`;

describe('a view that takes the old name', () => {
  it.each([
    [`${RENAME}; ${VIEW}`],
    [`${RENAME}; ALTER TABLE clients RENAME name TO full_name; CREATE VIEW customers AS SELECT id, full_name AS name FROM clients`],
    [`ALTER TABLE customers RENAME name TO full_name; ${RENAME}; CREATE VIEW customers (id, name) AS SELECT * FROM clients`],
    ['ALTER TABLE customers SET SCHEMA crm; CREATE VIEW customers AS SELECT c.* FROM crm.customers c'],
    ['ALTER TABLE public.customers RENAME TO clients; CREATE OR REPLACE VIEW public.customers AS TABLE clients'],
  ])('is the way out: %s', async (sql) => {
    const at = await place([sql]);
    expect(at.told).toEqual([]);
    expect(await failing(at, [sql], OLD.customers)).toEqual([]);
  });

  it.each([
    [`${RENAME}; ALTER TABLE clients RENAME name TO full_name; ${VIEW}`, 'the view of that name lacks name'],
    [`${RENAME}; CREATE VIEW customers AS SELECT id FROM clients`, 'the view of that name lacks name'],
    [`${RENAME}; CREATE VIEW customers AS SELECT DISTINCT id, name FROM clients`, 'no plain view of all its rows'],
    [`${RENAME}; CREATE VIEW customers AS SELECT id, lower(name) AS name FROM clients`, 'no plain view of all its rows'],
  ])('is none where the old version misses something: %s', async (sql, lack) => {
    const at = await place([sql]);
    expect(at.told[0]).toContain(`table customers (renamed): `);
    expect(at.told[0]).toContain(lack);
    expect((await failing(at, [sql], OLD.customers)).length).toBeGreaterThan(0);
  });

  it('is none in another transaction: between the two there is nothing of that name', async () => {
    expect((await place([RENAME, VIEW])).told).toEqual(['table customers (renamed)']);
    expect((await place([`-- slipway: no-transaction\n${RENAME}; ${VIEW}`])).told).toEqual(['table customers (renamed)']);
  });

  it('lets in whom the table lets in', async () => {
    const role = ROLE();
    const sql = `${RENAME}; ${VIEW}`;
    const at = await place([sql], grants(role));
    expect(at.told[0]).toContain(`${role} may `);
    expect(at.told[0]).toContain('and not the view of that name: GRANT it there, too');
    expect(await failing(at, [sql], OLD.customers, `SET LOCAL ROLE ${role}`)).toEqual(OLD.customers);
  });

  it.each([
    ['GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO ROLE'],
    ['GRANT ALL ON public.customers TO PUBLIC'],
    ['GRANT SELECT, INSERT ON customers TO ROLE; GRANT UPDATE, DELETE ON TABLE customers TO ROLE'],
  ])('by %s', async (grant) => {
    const role = ROLE();
    const sql = `${RENAME}; ${VIEW}; ${grant.replaceAll('ROLE', role)}`;
    const at = await place([sql], grants(role));
    expect(at.told).toEqual([]);
    expect(await failing(at, [sql], OLD.customers, `SET LOCAL ROLE ${role}`)).toEqual([]);
  });

  it('by default, or by its owner', async () => {
    const usual = ROLE();
    const at = await place(
      [`${RENAME}; ${VIEW}`],
      `${grants(usual)}; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO ${usual}`,
    );
    expect(at.told).toEqual([]);
    expect(await failing(at, [`${RENAME}; ${VIEW}`], OLD.customers, `SET LOCAL ROLE ${usual}`)).toEqual([]);
    const owner = ROLE();
    const owned = `CREATE ROLE ${owner}; ALTER TABLE customers OWNER TO ${owner}`;
    expect((await place([`${RENAME}; ${VIEW}`], owned)).told[0]).toContain(`${owner} may SELECT it, and not the view`);
    const again = ROLE();
    const given = `${RENAME}; ${VIEW}; ALTER VIEW customers OWNER TO ${again}`;
    const kept = await place([given], owned.replaceAll(owner, again));
    expect(kept.told).toEqual([]);
    expect(await failing(kept, [given], OLD.customers, `SET LOCAL ROLE ${again}`)).toEqual([]);
  });

  it('keeps row security only where it asks who reads', async () => {
    const role = ROLE();
    const secured = `${grants(role)}; ALTER TABLE customers ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON customers USING (false)`;
    const given = `GRANT ALL ON customers TO ${role}`;
    expect((await place([`${RENAME}; ${VIEW}; ${given}`], secured)).told[0]).toContain('it has row security');
    const again = ROLE();
    const view = `CREATE VIEW customers WITH (security_invoker) AS SELECT * FROM clients; GRANT ALL ON customers TO ${again}`;
    const at = await place([`${RENAME}; ${view}`], secured.replaceAll(role, again));
    expect(at.told).toEqual([]);
    await at.query(`${RENAME}; ${view}`);
    await at.query(`DO $$ BEGIN SET LOCAL ROLE ${again}; ASSERT NOT EXISTS (SELECT FROM customers); END $$`);
  });

  it('by a table that is swapped in is not known to be one', async () => {
    const at = await place(['CREATE TABLE made (id int, name text)', `${RENAME}; ALTER TABLE made RENAME TO customers`]);
    expect(at.told).toEqual(['table customers (another takes its name)']);
  });
});

describe('who uses a name that goes', () => {
  it('are statements and bodies of functions that say it; what PostgreSQL knows of follows the new name', async () => {
    const at = await place(
      [RENAME, 'ALTER FUNCTION greeting RENAME TO hello'],
      `CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM customers';
       CREATE FUNCTION kept() RETURNS void LANGUAGE plpgsql AS $$ DECLARE c customers; BEGIN NULL; END $$;
       CREATE FUNCTION shown(c customers) RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    );
    const shapes = at.contractions.flatMap((one) => one.shapes);
    const queries = [...OLD.customers, ...OLD.greeting, 'SELECT day FROM diary'].map((text) => ({ name: text, text }));
    const found = await lookAtShapes(at.access, { shapes, away: { dropped: [], replaced: [] }, queries, remember: true });
    expect(found.queries.map(({ name }) => name)).toEqual([...OLD.customers, ...OLD.greeting]);
    expect(found.dependants.map(({ what, use }) => `${what}: ${use}`)).toEqual([
      'function counted(): names',
      'function kept(): unreadable',
    ]);
  });
});
