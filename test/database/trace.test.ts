import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openAccess, traceFiles, type DatabaseAccess } from '../../src/database/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
let access: DatabaseAccess;
let number = 0;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  access = openAccess(await server.create(`trace${(number += 1)}`));
});

/** Files of these texts, run as Slipway runs them. */
const trace = (...texts: readonly string[]) =>
  traceFiles(
    access,
    texts.map((text, index) => ({ name: `${index + 1}.sql`, text, direction: 'up', transactions: 'auto', gaps: [] })),
    systemClock,
  );

const TABLES = `CREATE TABLE customers (id int PRIMARY KEY, name text); INSERT INTO customers SELECT n, 'x' FROM generate_series(1, 100) n;
CREATE TABLE orders (id int PRIMARY KEY, customer int, note text);`;

describe('a trace', () => {
  test('records what each statement did to tables that were there before the file', async () => {
    const [, file] = await trace(
      TABLES,
      `ALTER TABLE customers ADD COLUMN score float DEFAULT random();
CREATE TABLE fresh (id int);
ALTER TABLE fresh ADD COLUMN x int;
ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (customer) REFERENCES customers (id);`,
    );
    expect(file).toMatchObject({ verdict: 'pass', reason: '', ran: true });
    expect(file?.statements).toMatchObject([
      { line: 1, locks: expect.arrayContaining([{ relation: 'customers', mode: 'ACCESS EXCLUSIVE' }]) as unknown, rewrites: ['customers'] },
      { line: 2, locks: [], rewrites: [], scans: [] },
      { line: 3, locks: [], rewrites: [], scans: [] },
      { line: 4, locks: expect.arrayContaining([{ relation: 'orders', mode: 'SHARE ROW EXCLUSIVE' }]) as unknown, rewrites: [] },
    ]);
    expect(await server.query(access.name, 'SELECT count(score)::int AS n FROM customers')).toEqual([{ n: 100 }]);
  });

  test('takes a partition for the table it belongs to', async () => {
    const [, file] = await trace(
      `CREATE TABLE days (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');`,
      'ALTER TABLE days ADD COLUMN note text;',
    );
    expect(file).toMatchObject({ verdict: 'pass' });
    expect(new Set(file?.statements[0]?.locks.map(({ relation }) => relation))).toEqual(new Set(['days']));
  });

  test('runs what cannot be in a transaction outside of one, and sees its locks from another session', async () => {
    const [, ...files] = await trace(
      TABLES,
      'CREATE INDEX CONCURRENTLY i ON customers (name);',
      'REINDEX TABLE CONCURRENTLY customers;',
      'DROP INDEX CONCURRENTLY i;',
      'VACUUM customers;',
      'VACUUM FULL customers;',
      'CREATE INDEX CONCURRENTLY i ON customers (name);',
    );
    const share = { relation: 'customers', mode: 'SHARE UPDATE EXCLUSIVE' };
    for (const [index, mode] of [share, share, share, share, { relation: 'customers', mode: 'ACCESS EXCLUSIVE' }].entries())
      expect(files[index], `file ${index}`).toMatchObject({
        verdict: 'pass',
        statements: [{ locksSeen: true, locks: expect.arrayContaining([mode]) as unknown, missed: [] }],
      });
    expect(
      files.flatMap(({ statements }) => statements.flatMap(({ locks }) => locks)).filter(({ mode }) => mode === 'ACCESS EXCLUSIVE'),
    ).toHaveLength(1);
    expect(await server.query(access.name, `SELECT to_regclass('i')::text AS i`)).toEqual([{ i: 'i' }]);
  });

  test('finds what the linter knows nothing of, which makes the file unknown', async () => {
    const files = await trace(
      TABLES,
      `CREATE FUNCTION lock_orders() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; END $$;
       CREATE EVENT TRIGGER hidden ON ddl_command_start WHEN TAG IN ('COMMENT') EXECUTE FUNCTION lock_orders();`,
      `COMMENT ON TABLE customers IS 'x';`,
    );
    expect(files[2]).toMatchObject({
      verdict: 'unknown',
      ran: true,
      statements: [{ missed: ['lock on orders: lint says none, the server took ACCESS EXCLUSIVE'] }],
    });
  });

  test('lets a statement outside a transaction go on that the server refuses, and one that takes no lock on a table of it', async () => {
    const files = await trace(TABLES, 'VACUUM customers; VACUUM pg_class;', 'CREATE INDEX CONCURRENTLY i ON customers (nothing);');
    expect(files[1]).toMatchObject({ ran: true, statements: [{ locksSeen: true }, { locksSeen: false }] });
    expect(files[2]).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('column "nothing" does not exist') as string });
  });

  test('keeps to BEGIN, COMMIT, and SET TRANSACTION that must come first', async () => {
    const [, file] = await trace(
      TABLES,
      'BEGIN;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nALTER TABLE orders ADD COLUMN a int;\nCOMMIT;\nALTER TABLE orders ADD COLUMN b int;',
    );
    expect(file).toMatchObject({ verdict: 'pass' });
    expect(file?.statements.map(({ locks }) => locks.length)).toEqual([0, 0, 1, 0, 1]);
  });

  test('stops at a file the server refuses, which leaves nothing behind', async () => {
    const files = await trace(
      TABLES,
      'ALTER TABLE orders ADD COLUMN a int;\nALTER TABLE nowhere ADD COLUMN b int;',
      'CREATE TABLE later (id int);',
    );
    expect(files).toHaveLength(2);
    expect(files[1]).toMatchObject({ verdict: 'fail', ran: false, reason: 'line 2: relation "nowhere" does not exist [42P01]' });
    expect(await server.query(access.name, `SELECT count(*)::int AS n FROM pg_attribute WHERE attname = 'a'`)).toEqual([{ n: 0 }]);
  });

  test.each([
    ['an extension this server does not have', 'CREATE EXTENSION no_such_extension;'],
    ['what is no SQL', 'CREATE TABEL t (id int);'],
  ])('does not know: %s', async (_what, text) => {
    expect(await trace(text)).toMatchObject([{ verdict: 'unknown', ran: false }]);
  });

  test('says of a template that it needs a value', async () => {
    const [file] = await trace('SELECT 1;\nCREATE TABLE {{ .Prefix }}_t (id int);');
    expect(file).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringMatching(/^line 2: \{\{ \.Prefix \}\} is a placeholder/) as string,
    });
  });

  const block = (body: string): string => `DO $$ BEGIN ${body} END $$;`;
  test.each([
    ['a setting of the server', 'ALTER SYSTEM SET work_mem = 4096;'],
    ['a role', 'CREATE ROLE slipway_test_role SUPERUSER;'],
    ['a role made in a block', block(`IF true THEN CREATE ROLE slipway_test_role; END IF;`)],
    ['a role in EXECUTE', block(`EXECUTE 'CREATE ROLE slipway_test_role';`)],
    ['a role that is granted', 'GRANT pg_monitor TO CURRENT_USER;'],
    ['another name for a role', 'ALTER ROLE a RENAME TO b;'],
    ['another database', 'CREATE DATABASE slipway_test_other;'],
    ['a right on a database', 'GRANT CONNECT ON DATABASE postgres TO PUBLIC;'],
    ['a command', `COPY (SELECT 1) TO PROGRAM 'cat >/dev/null';`],
    ['a file that is read', `CREATE TABLE t (n text); COPY t FROM '/etc/hostname';`],
    ['other sessions', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE false;'],
    ['other sessions in a block', block('PERFORM pg_catalog.pg_cancel_backend(0);')],
    ['files', `SELECT pg_read_file('PG_VERSION');`],
    ['the log', `CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT pg_rotate_logfile()';`],
    ['a language that may do all', `CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'return 1';`],
    ['a library', `CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'lib', 'f';`],
    ['another server', `SELECT dblink_connect('host=127.0.0.1');`],
  ])('does not run what reaches beyond the database: %s', async (_what, text) => {
    const [file] = await trace(`CREATE TABLE before_it (id int); ${text}`);
    expect(file).toMatchObject({
      verdict: 'unknown',
      ran: false,
      statements: [],
      reason: expect.stringContaining('not run here') as string,
    });
    expect(await server.query(access.name, `SELECT to_regclass('before_it') AS found`)).toEqual([{ found: null }]);
    expect(await server.query(access.name, `SELECT FROM pg_roles WHERE rolname = 'slipway_test_role'`)).toEqual([]);
  });

  test('runs what stays in the database, by names that look like others', async () => {
    const [file] = await trace(
      `CREATE EXTENSION IF NOT EXISTS plpgsql; CREATE TABLE t (id int); GRANT SELECT ON t TO PUBLIC; ALTER TABLE t OWNER TO CURRENT_USER;
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN pg_backend_pid(); END $$; SELECT f();`,
    );
    expect(file).toMatchObject({ verdict: 'pass' });
  });
});
