import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lintFiles, openAccess, pendingFiles, readCatalog } from '../../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { inProcess } from '../../cli/support.ts';
import { scratch, writeMigrations } from '../support.ts';
import { ruled } from './support.ts';

let server: TestPostgres;
let url: string;

beforeAll(async () => {
  server = await startPostgres({ settings: ['timezone=UTC'] });
  url = await server.create('shop');
  await server.query(
    'shop',
    `CREATE TABLE orders (id bigint PRIMARY KEY, name varchar(20), code char(4), n int, m int, at timestamp(3), price numeric(10,2));
     CREATE TABLE big (id bigint PRIMARY KEY, a int, b int CHECK (b IS NOT NULL), c int CHECK (c IS NOT NULL OR a > 0), filler text,
       d int CHECK (d IS NOT NULL AND d > 0));
     ALTER TABLE big ALTER COLUMN filler SET STORAGE EXTERNAL;
     INSERT INTO big SELECT g, g, g, g, repeat('x', 8000), g FROM generate_series(1, 1500) g;
     INSERT INTO orders (id) SELECT g FROM generate_series(1, 10) g;
     CREATE INDEX lower_name ON orders (lower(name)); CREATE VIEW named AS SELECT id, code FROM orders;
     CREATE FUNCTION steady() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'; CREATE FUNCTION wild() RETURNS int LANGUAGE sql AS 'SELECT 1';
     CREATE TABLE goose_db_version (version_id bigint, is_applied boolean); INSERT INTO goose_db_version VALUES (0, true), (1, true), (2, false);
     ANALYZE`,
  );
});
afterAll(async () => server.stop());

/** What is said of SQL, given the catalog of that database. */
async function lint(text: string): Promise<readonly string[]> {
  const { version, utc, sizes, schema } = await readCatalog(openAccess(url));
  const files = [{ name: '1.sql', text, direction: 'up' as const, transactions: 'auto' as const, gaps: [] }];
  const [linted] = await lintFiles({ files, options: { version, utc, sizes }, limited: true, schema });
  return [linted?.verdict ?? '', ...ruled(linted?.findings ?? [])];
}

describe('with a database', () => {
  test.each([
    ['ALTER TABLE orders ALTER COLUMN name TYPE varchar(40)', ['pass']],
    ['ALTER TABLE orders ALTER COLUMN price TYPE numeric(12,2)', ['pass']],
    ['ALTER TABLE orders ALTER COLUMN at TYPE timestamptz', ['pass']],
    ['ALTER TABLE big ALTER COLUMN a TYPE bigint', ['fail', 'error column-type']],
    ['ALTER TABLE orders ALTER COLUMN n TYPE bigint', ['pass', 'warning column-type']],
    ['ALTER TABLE big ALTER COLUMN a SET NOT NULL', ['fail', 'error set-not-null']],
    ['ALTER TABLE big ALTER COLUMN b SET NOT NULL', ['pass']],
    ['ALTER TABLE big ALTER COLUMN c SET NOT NULL', ['fail', 'error set-not-null']],
    ['ALTER TABLE big ALTER COLUMN d SET NOT NULL', ['pass']],
    ['CREATE INDEX ON big (a)', ['fail', 'error create-index']],
    ['ALTER TABLE big ADD COLUMN x int DEFAULT steady()', ['pass']],
    ['ALTER TABLE big ADD COLUMN x int DEFAULT wild()', ['fail', 'error add-column-default']],
    ['ALTER TABLE big ADD COLUMN x int DEFAULT stranger()', ['unknown', 'error add-column-default']],
    ['ALTER TABLE orders ALTER COLUMN code TYPE text', ['fail', 'error type-of-viewed-column', 'warning column-type']],
  ])('%s', async (sql, expected) => {
    expect((await lint(sql)).toSorted()).toEqual(expected.toSorted());
  });

  test('what the tool has applied is not judged again', async () => {
    const file = (name: string) => ({ name, text: '', direction: 'up' as const, transactions: 'file' as const, gaps: [] });
    const pending = await pendingFiles(openAccess(url), 'goose', ['00001_a.sql', '2_b.sql', '3_c.sql'].map(file));
    expect(pending?.map(({ name }) => name)).toEqual(['2_b.sql', '3_c.sql']);
    expect(await pendingFiles(openAccess(url), 'prisma', [file('1_a/migration.sql')])).toBeNull();
  });

  test('the command reads the URL from a variable, and needs a history or --since', async () => {
    using folder = scratch();
    writeMigrations(folder.path, {
      '1_a.sql': '-- +goose Up\nCREATE INDEX ON big (a);',
      '2_b.sql': '-- +goose Up\nALTER TABLE big ADD COLUMN x int;',
    });
    const environment = { SHOP_URL: url };
    expect(await inProcess(['db', 'lint', folder.path, '--database', 'SHOP_URL', '--json'], environment)).toMatchObject({
      exit: 0,
      out: expect.stringContaining('"files":1,'),
    });
    expect(await inProcess(['db', 'lint', folder.path, '--database', 'NONE'], environment)).toMatchObject({
      exit: 2,
      err: expect.stringContaining('there is no such variable'),
    });
    expect(await inProcess(['db', 'lint', folder.path, '--database', 'SHOP_URL', '--format', 'sql'], environment)).toMatchObject({
      exit: 2,
      err: expect.stringContaining('no history of sql'),
    });
    expect(
      await inProcess(['db', 'lint', folder.path, '--database', 'SHOP_URL', '--format', 'sql', '--since', '2'], environment),
    ).toMatchObject({ exit: 0 });
  });
});
