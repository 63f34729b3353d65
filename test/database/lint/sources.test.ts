import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintFiles, readSources } from '../../../src/database/index.ts';
import { scratch } from '../support.ts';

type Files = Readonly<Record<string, string | Uint8Array>>;

/** Reads a folder of such files, and judges it. */
async function read(
  files: Files,
  {
    format = null,
    defines = {},
  }: { readonly format?: Parameters<typeof readSources>[1]; readonly defines?: Readonly<Record<string, string>> } = {},
) {
  using folder = scratch();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  }
  const sources = await readSources(folder.path, format, new Map(Object.entries(defines)));
  const linted = await lintFiles({ files: sources.files, options: { version: 18, utc: null, sizes: new Map() }, limited: true });
  return {
    format: sources.format,
    files: sources.files.map(({ name, direction, transactions }) => `${name} ${direction} ${transactions}`),
    found: linted.flatMap((file) =>
      file.findings
        .filter(({ severity }) => severity !== 'notice')
        .map(({ rule, line, column }) => `${file.name} ${file.direction} ${line}:${column} ${rule}`),
    ),
    verdicts: linted.map(({ verdict }) => verdict),
    messages: linted.flatMap((file) =>
      file.findings.filter(({ category }) => category === 'file').map(({ message, line, column }) => `${line}:${column} ${message}`),
    ),
  };
}

const BAD = 'ALTER TABLE t ADD CHECK (a > 0);';
const LOCK = 'provider = "postgresql"\n';

describe('formats', () => {
  const CASES: readonly (readonly [name: string, files: Files, read: readonly string[], found?: readonly string[]])[] = [
    [
      'prisma',
      { 'migration_lock.toml': LOCK, '2_b/migration.sql': BAD, '1_a/migration.sql': 'SELECT 1;' },
      ['1_a/migration.sql up string', '2_b/migration.sql up string'],
      ['2_b/migration.sql up 1:19 add-check'],
    ],
    [
      'drizzle',
      {
        'meta/_journal.json': '{"dialect":"postgresql","entries":[{"idx":0,"tag":"b"},{"idx":1,"tag":"a"}]}',
        'a.sql': `SELECT 1;\n--> statement-breakpoint\n${BAD}`,
        'b.sql': '',
      },
      ['b.sql up file', 'a.sql up file'],
      ['a.sql up 3:19 add-check'],
    ],
    [
      'diesel',
      {
        '2020-01-02_b/up.sql': 'SELECT 1',
        '20200101_a/up.sql': 'SELECT 1',
        '20200101_a/down.sql': BAD,
        '20200101_a/metadata.toml': 'run_in_transaction = false',
      },
      ['20200101_a/up.sql up statement', '20200101_a/down.sql down statement', '2020-01-02_b/up.sql up file'],
    ],
    [
      'flyway',
      {
        'V1.10__b.sql': BAD,
        'V1.2__a.sql': 'SELECT 1',
        'R__view.sql': 'SELECT 1',
        'V2__c.sql': 'SELECT 1',
        'V2__c.sql.conf': 'executeInTransaction=false',
        'U1.2__a.sql': 'SELECT 1',
      },
      ['U1.2__a.sql down auto', 'V1.2__a.sql up auto', 'V1.10__b.sql up auto', 'V2__c.sql up statement', 'R__view.sql up auto'],
    ],
    [
      'flyway',
      {
        'V1__a.sql': 'CREATE INDEX CONCURRENTLY i ON t (a);\nALTER TABLE t ADD COLUMN b int;',
        'V2__b.sql': `SET lock_timeout = '1s'; CREATE INDEX CONCURRENTLY j ON t (a);`,
        'V3__c.sql': 'ALTER TABLE t ADD COLUMN c int; ALTER TABLE t ADD COLUMN d int;',
        'V4__d.sql': 'ALTER TABLE t ADD COLUMN e int; DROP INDEX CONCURRENTLY i;',
        'V4__d.sql.conf': 'executeInTransaction=false',
      },
      ['V1__a.sql up auto', 'V2__b.sql up auto', 'V3__c.sql up auto', 'V4__d.sql up statement'],
      ['V1__a.sql up 1:1 mixed-file'],
    ],
    [
      'flyway',
      { 'V1__a.sql': 'CREATE INDEX CONCURRENTLY i ON t (a);\nALTER TABLE t ADD COLUMN b int;', 'flyway.conf': 'flyway.mixed=true' },
      ['V1__a.sql up auto'],
      [],
    ],
    [
      'liquibase',
      {
        'a.sql': `--liquibase formatted sql\n--changeset ann:1\nSELECT 1;\n--rollback DROP TABLE x;\n--changeset ann:2 runInTransaction:false\n${BAD}\n--changeset ann:3 dbms:mysql\nCREATE TABLE \`a\` (b int);`,
      },
      ['a.sql up file', 'a.sql up statement', 'a.sql up file'],
      ['a.sql up 6:19 add-check', 'a.sql up 1:1 not-sql'],
    ],
    [
      'goose',
      { '2_b.sql': `-- +goose Up\n${BAD}\n-- +goose Down\nDROP TABLE t;`, '10_c.sql': '-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;' },
      ['2_b.sql up file', '2_b.sql down file', '10_c.sql up statement'],
      ['2_b.sql up 2:19 add-check', '2_b.sql down 4:1 drop-table'],
    ],
    [
      'dbmate',
      { '1_a.sql': `-- migrate:up transaction:false\n${BAD}\n-- migrate:down\n` },
      ['1_a.sql up statement', '1_a.sql down file'],
      ['1_a.sql up 2:19 add-check'],
    ],
    [
      'node-pg-migrate',
      {
        '1_a.sql': `-- Up Migration\n${BAD}\n-- Down Migration\nDROP TABLE t;`,
        '2_b.sql': 'SELECT 1',
        '3_c.sql': 'SELECT 1;\n-- Down Migration\nSELECT 2;',
        '4_d.up.sql': 'SELECT 1',
        '4_d.down.sql': 'SELECT 1',
      },
      ['1_a.sql up file', '1_a.sql down file', '2_b.sql up file', '3_c.sql up file', '4_d.down.sql down file', '4_d.up.sql up file'],
      ['1_a.sql up 2:19 add-check', '1_a.sql down 4:1 drop-table', '3_c.sql up 1:1 not-sql'],
    ],
    ['sql-migrate', { '1_a.sql': `-- +migrate Up notransaction\n${BAD}\n` }, ['1_a.sql up statement']],
    [
      'sqlx',
      { 'Cargo.toml': '', '1_a.b-c.sql': '-- no-transaction\nSELECT 1', '2_b.up.sql': 'SELECT 1', '2_b.down.sql': 'SELECT 1' },
      ['1_a.b-c.sql up statement', '2_b.down.sql down file', '2_b.up.sql up file'],
    ],
    [
      'golang-migrate',
      { 'go.mod': '', '1_a.up.sql': 'SELECT 1', '1_a.down.sql': 'SELECT 1' },
      ['1_a.down.sql down string', '1_a.up.sql up string'],
    ],
    [
      'knex',
      {
        '1_a.js':
          "exports.up = async (knex) => {\n  await knex.raw(`ALTER TABLE t\n    ADD CHECK (a > 0)`);\n  await knex.schema.createTable('x', (t) => t.increments());\n};\nexports.down = (knex) => knex.raw('DROP TABLE t');\nexports.config = { transaction: false };",
      },
      ['1_a.js up statement', '1_a.js down statement'],
      ['1_a.js up 3:9 add-check', '1_a.js up 4:13 not-sql', '1_a.js down 6:36 drop-table'],
    ],
    [
      'typeorm',
      {
        '1-a.ts':
          "export class A1 implements MigrationInterface {\n  public async up(queryRunner: QueryRunner) {\n    await queryRunner.query('ALTER TABLE t ADD CHECK (a > 0)');\n    await queryRunner.query(`DROP TABLE ${name}`);\n  }\n  public async down(queryRunner: QueryRunner) {\n    await queryRunner.dropTable('t');\n  }\n}",
      },
      ['1-a.ts up file', '1-a.ts down file'],
      ['1-a.ts up 3:48 add-check', '1-a.ts up 4:29 not-sql', '1-a.ts down 7:11 not-sql'],
    ],
    [
      'ecto',
      {
        '1_a.exs':
          'defmodule A do\n  use Ecto.Migration\n  @disable_ddl_transaction true\n  def up do\n    execute "CREATE INDEX CONCURRENTLY i ON t (a)"\n    execute("""\n    ALTER TABLE t ADD CHECK (a > 0)\n    """)\n  end\n  def down do\n    drop table(:t)\n  end\nend',
      },
      ['1_a.exs up statement', '1_a.exs down statement'],
      ['1_a.exs up 7:23 add-check', '1_a.exs down 11:5 not-sql'],
    ],
    [
      'sql',
      { '2_b.sql': BAD, '10_c.sql': 'SELECT 1', '1_a.up.sql': 'SELECT 1', '1_a.down.sql': 'SELECT 1' },
      ['1_a.down.sql down auto', '1_a.up.sql up auto', '2_b.sql up auto', '10_c.sql up auto'],
    ],
  ];

  test.each(CASES.map(([name, ...one]) => ({ name, one })))('$name', async ({ name, one: [files, expected, found] }) => {
    const answer = await read(files);
    expect({ format: answer.format, files: answer.files }).toEqual({ format: name, files: expected });
    if (found !== undefined) expect(answer.found).toEqual(found);
  });

  test.each([
    ['1_a.rb', 'class A < ActiveRecord::Migration[7.1]', 'Rails'],
    ['0001_initial.py', 'class Migration(migrations.Migration):', 'Django'],
    ['ab12_add.py', "revision = 'ab12'", 'Alembic'],
    ['1-a.js', 'module.exports = { up: (queryInterface) => queryInterface.addColumn() };', 'Sequelize'],
  ])('%s is a program', async (name, text, tool) => {
    expect(await read({ [name]: text })).toMatchObject({
      format: 'printed',
      verdicts: ['unknown'],
      messages: [expect.stringContaining(`a migration of ${tool} is a program`)],
    });
  });

  test('another database is named and nothing is claimed', async () => {
    const prisma = await read({ 'migration_lock.toml': 'provider = "mysql"', '1_a/migration.sql': 'CREATE TABLE `a` (b int)' });
    expect(prisma).toMatchObject({ verdicts: ['unknown'], messages: ['1:1 unsupported: this is for mysql; only PostgreSQL is judged'] });
    const sqlite = await read({ '1_a.sql': 'CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);' });
    expect(sqlite).toMatchObject({ verdicts: ['unknown'], messages: [expect.stringContaining('unsupported: this looks like SQLite')] });
  });
});

describe('files that cannot be judged', () => {
  test.each<[string, string | Uint8Array, string, string]>([
    ['a syntax error', 'SELECT 1;\n  CREATE TABEL t (a int);', 'fail', '2:10 syntax error at or near "TABEL"'],
    ['a NUL byte', 'SELECT 1;\nSELECT \0 2;', 'fail', '2:8 the file holds a NUL byte'],
    ['no UTF-8', new Uint8Array([0x53, 0xff, 0xfe]), 'unknown', '1:1 the file is not UTF-8; save it as UTF-8'],
    [
      'a placeholder',
      'SELECT 1;\nALTER TABLE {{ table }} ADD x int;',
      'unknown',
      '2:13 {{ table }} is a placeholder without a value: give --define NAME=VALUE',
    ],
    ['a command of psql', '\\connect other\nSELECT 1;', 'unknown', '1:1 "\\connect other": what follows runs in another session'],
    ['a variable of psql', 'SELECT 1;\nALTER TABLE t OWNER TO :owner;', 'unknown', '2:24 ":owner" is a variable of psql'],
    ['a template of Ruby', 'SELECT 1;\nSELECT <%= x %>;', 'unknown', '2:8 <%= x %> is a placeholder without a value'],
    ['nested brackets', `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`, 'fail', '1:10004 memory exhausted'],
    ['a sum of 100,000', `SELECT ${Array.from({ length: 100_000 }, () => '1').join('+')}`, 'unknown', 'nested too deeply to be read here'],
    ['a string without an end', `SELECT 1;\nSELECT 'x;\n`, 'fail', '2:8 unterminated quoted string'],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x53, 0x00]), 'unknown', '1:1 the file is not UTF-8; save it as UTF-8'],
    ['a body with a mistake', 'DO $$ BEGIN IF THEN END $$', 'unknown', 'the body of this cannot be parsed, so it was not judged'],
    [
      'a body with nested brackets',
      `DO $$ BEGIN PERFORM ${'('.repeat(20_000)}1${')'.repeat(20_000)}; END $$`,
      'unknown',
      'the body of this cannot be parsed, so it was not judged',
    ],
    [
      'another database',
      'CREATE TABLE `a` (b int) ENGINE=InnoDB;',
      'unknown',
      '1:14 unsupported: this looks like MySQL; only PostgreSQL is judged',
    ],
  ])('%s', async (_, text, verdict, message) => {
    const answer = await read({ '1_a.sql': text });
    expect(answer).toMatchObject({ verdicts: [verdict], messages: [expect.stringContaining(message)] });
  });

  test('data in a file is refused by every tool but psql and Flyway', async () => {
    const data = 'COPY t FROM stdin;\n1\t2\n\\.\n';
    const verdict = async (files: Files, format: Parameters<typeof readSources>[1] = null) => (await read(files, { format })).verdicts[0];
    expect(await verdict({ '1_a.sql': data })).toBe('pass');
    expect(await verdict({ 'V1__a.sql': data })).toBe('pass');
    expect(await verdict({ '1_a.sql': data }, 'slipway')).toBe('fail');
    expect(await verdict({ '1_a/migration.sql': data }, 'prisma')).toBe('fail');
    expect(await verdict({ '1_a.sql': `-- migrate:up\n${data}` })).toBe('fail');
  });

  test('what a down file cannot drop is told where it stands behind its own up file', async () => {
    const [up, down] = [`CREATE TYPE mood AS ENUM ('x'); CREATE TABLE t (m mood);`, 'DROP TYPE mood;'];
    const found = async (files: Files) => (await read(files)).found.filter((one) => one.endsWith('still-needed'));
    expect(await found({ '1_a.sql': `-- +goose Up\n${up}\n-- +goose Down\n${down}` })).toEqual(['1_a.sql down 4:1 still-needed']);
    expect(await found({ '1_a/up.sql': up, '1_a/down.sql': down })).toEqual(['1_a/down.sql down 1:1 still-needed']);
    // By their names, this one comes before its up file.
    expect(await found({ '1_a.up.sql': up, '2_b.up.sql': 'DROP TABLE t; DROP TYPE mood', '2_b.down.sql': down })).toEqual([]);
  });

  test('what cannot be made twice stops a tool that runs every file, and is a warning where some may not run', async () => {
    const twice = 'CREATE TABLE t (a int); CREATE TABLE t (a int);';
    const answer = async (files: Files) => {
      const { found, verdicts } = await read(files);
      return [found.some((one) => one.endsWith('already-there')), verdicts[0]];
    };
    expect(await answer({ '1_a/migration.sql': twice })).toEqual([true, 'fail']);
    expect(await answer({ 'Cargo.toml': '', '1_a.b.sql': twice })).toEqual([true, 'fail']);
    expect(await answer({ '1_a.sql': twice })).toEqual([true, 'pass']);
    expect(await answer({ 'a.sql': `--liquibase formatted sql\n--changeset ann:1\n${twice}` })).toEqual([true, 'pass']);
    expect(await answer({ '1_a.js': `exports.up = (knex) => knex.raw(\`${twice}\`);` })).toEqual([true, 'pass']);
  });

  test('a file of 50 MB is not even read', async () => {
    const answer = await read({ '1_a.sql': new Uint8Array(50 * 1024 * 1024).fill(0x20) });
    expect(answer).toMatchObject({ verdicts: ['unknown'], messages: [expect.stringContaining('larger than 8 MiB')] });
  });

  test('so is what a tool prints, or stdin brings', async () => {
    const file = { name: 'stdin', text: ' '.repeat(50 * 1024 * 1024), direction: 'up', transactions: 'statement', gaps: [] } as const;
    const [linted] = await lintFiles({ files: [file], options: { version: 18, utc: null, sizes: new Map() }, limited: true });
    expect(linted).toMatchObject({ verdict: 'unknown', findings: [{ message: expect.stringContaining('larger than 8 MiB') as unknown }] });
  });

  test('a journal of Drizzle that is none, and one that names what is not there', async () => {
    const broken = await read({ 'meta/_journal.json': '{ not JSON', '0000_a.sql': 'SELECT 1' });
    expect(broken).toMatchObject({ verdicts: ['unknown'], messages: [expect.stringContaining('it is not JSON')] });
    const lost = await read({ 'meta/_journal.json': '{"dialect":"postgresql","entries":[{"tag":"0000_a"}]}' });
    expect(lost).toMatchObject({ verdicts: ['unknown'], messages: ['1:1 the journal names it, and it is not there'] });
  });

  test('a placeholder with a value is SQL', async () => {
    const answer = await read({ '1_a.sql': 'ALTER TABLE {{ schema }}.t ADD x int;' }, { defines: { schema: 'app' } });
    expect(answer.verdicts).toEqual(['pass']);
  });

  test('an empty file, and one of comments only, pass', async () => {
    expect((await read({ '1_a.sql': '', '2_b.sql': '-- nothing yet\n' })).verdicts).toEqual(['pass', 'pass']);
  });
});
