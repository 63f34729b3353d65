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

  test('runs what cannot be in a transaction outside of one, and says that its locks were not seen', async () => {
    const [, file] = await trace(TABLES, 'CREATE INDEX CONCURRENTLY i ON customers (name);\nVACUUM customers;');
    expect(file).toMatchObject({ verdict: 'pass', statements: [{ locksSeen: false }, { locksSeen: false }] });
    expect(await server.query(access.name, `SELECT to_regclass('i')::text AS i`)).toEqual([{ i: 'i' }]);
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
});
