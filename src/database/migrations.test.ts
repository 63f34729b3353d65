import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scratch, writeMigrations } from '../../test/database/support.ts';
import { readMigrations as readFolder } from './read-migrations.ts';
import { parseSql } from './parser.ts';

const readMigrations = async (directory: string) => (await readFolder({ directory, history: 'slipway' })).files;

async function refusal(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  using folder = scratch();
  writeMigrations(folder.path, files);
  const error = await readMigrations(folder.path).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'config_invalid', hint: 'Correct the files named above. Nothing was run.' });
  return (error as Error).message;
}

describe('reading a folder', () => {
  test('pairs up and down, orders by number, ignores what is not SQL', async () => {
    using folder = scratch();
    writeMigrations(folder.path, {
      '10_b.sql': 'SELECT 1',
      '9_a.up.sql': 'SELECT 1',
      '9_a.down.sql': 'SELECT 2',
      'README.md': 'x',
      '.hidden.sql': 'x',
    });
    mkdirSync(join(folder.path, 'notes'));
    const migrations = await readMigrations(folder.path);
    expect(migrations.map(({ name, hasDown }) => [name, hasDown])).toEqual([
      ['9_a', true],
      ['10_b', false],
    ]);
    expect(migrations[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('a byte order mark and comments alone are fine', async () => {
    using folder = scratch();
    writeMigrations(folder.path, { '1_a.sql': '\uFEFFSELECT 1;', '2_b.sql': '-- nothing yet', '3_c.sql': '' });
    const migrations = await readMigrations(folder.path);
    expect(migrations.map((one) => one.up.statements.length)).toEqual([1, 0, 0]);
  });

  test('a BEGIN; ... COMMIT; around the whole file is left out', async () => {
    using folder = scratch();
    writeMigrations(folder.path, { '1_a.sql': 'BEGIN;\nCREATE TABLE t (id int);\nCOMMIT;' });
    const [migration] = await readMigrations(folder.path);
    expect(migration?.up.statements.map((one) => [one.text, one.line])).toEqual([['CREATE TABLE t (id int)', 2]]);
  });

  test.each([
    ['CREATE INDEX CONCURRENTLY i ON t (a)', false],
    ['VACUUM t', false],
    ['ANALYZE t', true],
    ['REINDEX TABLE CONCURRENTLY t', false],
    ['REINDEX TABLE t', true],
    ['DROP INDEX CONCURRENTLY i', false],
    ['ALTER TABLE t DETACH PARTITION p CONCURRENTLY', false],
    ['ALTER TABLE t DETACH PARTITION p', true],
    ['CLUSTER', false],
    ['CREATE DATABASE x', false],
    ['-- slipway: no-transaction\nSELECT 1', false],
    ['SELECT 1', true],
  ])('%s: transactional %s', async (sql, transactional) => {
    using folder = scratch();
    writeMigrations(folder.path, { '1_a.sql': sql });
    const [migration] = await readMigrations(folder.path);
    expect(migration?.transactional).toBe(transactional);
  });
});

describe('refused before anything runs', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['a syntax error, with its line after é', '-- é é é\nSELECT 1;\nSELEC 2;', '1_a.sql:3: syntax error at or near "SELEC"'],
    ['a NUL byte', 'SELECT 1;\nSELECT 2;\0DROP TABLE t;', '1_a.sql:2: the file holds a NUL byte'],
    ['bytes that are no UTF-8', new Uint8Array([0x53, 0xff, 0xfe]), 'the file is not UTF-8'],
    ['a psql command', 'SELECT 1;\n\\i other.sql\n', '1_a.sql:2: "\\i" is a command of psql'],
    ['psql at the very beginning', '\\set ON_ERROR_STOP on\nSELECT 1;', '1_a.sql:1: "\\set" is a command of psql'],
    ['COPY with its data', '-- é, a copy\nCOPY t (a) FROM stdin;\n1\n2\n\\.\n', '1_a.sql:2: COPY ... FROM stdin carries its data'],
    ['COPY without data', 'COPY t FROM stdin;', '1_a.sql:1: COPY ... FROM stdin carries its data'],
    ['COMMIT in the middle', 'CREATE TABLE t (id int);\nCOMMIT;\nSELECT 1', '1_a.sql:2: BEGIN, COMMIT and ROLLBACK are not allowed here'],
    ['an isolation level', 'BEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT 1;\nCOMMIT;', 'BEGIN, COMMIT and ROLLBACK are not allowed'],
    [
      'CONCURRENTLY between BEGIN and COMMIT',
      'BEGIN;\nCREATE INDEX CONCURRENTLY i ON t (a);\nCOMMIT;',
      '1_a.sql:2: this statement cannot run inside BEGIN',
    ],
    ['an index without a name', 'CREATE INDEX CONCURRENTLY ON t (a)', 'CREATE INDEX CONCURRENTLY needs a name'],
    ['goose sections', '-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP TABLE t;', 'begins a second section'],
    ['node-pg-migrate sections', '-- Up Migration\nSELECT 1;\n--- Down Migration\nDROP TABLE t;', 'begins a second section'],
    ['dbmate sections', '-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP TABLE t;', 'begins a second section'],
    [
      'SET TRANSACTION later on',
      'SELECT 1;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
      '1_a.sql:2: SET TRANSACTION has to be the first statement',
    ],
    ['a transaction that may not write', 'SET TRANSACTION READ ONLY;\nSELECT 1', '1_a.sql:1: a transaction that may not write'],
    ['a template', 'SELECT 1;\nALTER TABLE {{ .Schema }}.t ADD COLUMN a int', '1_a.sql:2: {{ .Schema }} is a placeholder of a template'],
    ['MySQL', 'CREATE TABLE `t` (id int AUTO_INCREMENT) ENGINE=InnoDB', 'unsupported: this looks like MySQL; only PostgreSQL is migrated'],
    ['SQLite', 'CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)', 'unsupported: this looks like SQLite; only PostgreSQL is migrated'],
    ['a directive that is none', '-- slipway: rolback=app because "x"\nSELECT 1', '1_a.sql:1: "-- slipway: rolback=app'],
    [
      'reversible without a way back',
      '-- slipway: rollback=reversible because "x"\nSELECT 1',
      'says rollback=reversible but there is no down file',
    ],
  ])('%s', async (_what, content, message) => {
    expect(await refusal({ '1_a.sql': content })).toContain(message);
  });

  test('bad names, doubles, orphans and folders, all in one message', async () => {
    using folder = scratch();
    writeMigrations(folder.path, { 'add.sql': '', '1_a.sql': '', '1_a.up.sql': '', '2_b.down.sql': '', '3_c.sql': 'SELEC' });
    mkdirSync(join(folder.path, '20260101_prisma'));
    writeFileSync(join(folder.path, '20260101_prisma', 'migration.sql'), '');
    await expect(readMigrations(folder.path)).rejects.toThrow(
      /(?=[\s\S]*add\.sql: call it like)(?=[\s\S]*is the same migration)(?=[\s\S]*2_b\.down\.sql: there is no up file)(?=[\s\S]*20260101_prisma\/ holds SQL)(?=[\s\S]*3_c\.sql:1)/,
    );
  });

  test('a file that is data', async () => {
    expect(await refusal({ '1_a.sql': `INSERT INTO t VALUES ('${'x'.repeat(8 * 1024 * 1024)}')` })).toContain('larger than 8 MiB');
  });

  test('a folder that is not there', async () => {
    await expect(readMigrations('/nowhere/at/all')).rejects.toMatchObject({ code: 'not_found' });
  });
});

test('statements are cut at the right byte whatever the characters before them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { minLength: 1, maxLength: 6 }), async (texts) => {
      const safe = texts.map((text) => text.replaceAll(/['\\\0\r\n*/]/g, ''));
      const sql = safe.map((text) => `/* ${text} */\nSELECT '${text}'`).join(';\n');
      const parsed = await parseSql(sql);
      expect(parsed.ok && parsed.statements.map((one) => one.text.replace(/^\/\*.*\*\/\n/, ''))).toEqual(
        safe.map((text) => `SELECT '${text}'`),
      );
      expect(parsed.ok && parsed.statements.map((one) => one.line + (one.text.startsWith('/*') ? 1 : 0))).toEqual(
        safe.map((_text, index) => 2 * index + 2),
      );
    }),
    { numRuns: 50 },
  );
});
