import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyMigrations, migrationStatus, openAccess, planMigrations, type DatabaseAccess } from '../../src/database/index.ts';
import { startPostgres, startReplica } from '../support/postgres.ts';
import { migrationWorld } from './migration-world.ts';

const { access, folder, query, server, ...world } = migrationWorld();
const request: typeof world.request = (more = {}) => world.request({ history: 'auto', ...more });

type Content = string | Uint8Array | ((path: string) => void);
type Files = Readonly<Record<string, Content>>;

function files(list: Files): void {
  for (const [name, content] of Object.entries(list)) {
    const path = join(folder(), name);
    mkdirSync(dirname(path), { recursive: true });
    if (typeof content === 'function') content(path);
    else writeFileSync(path, content);
  }
}

const one = (content: Content, name = '1_a.sql'): Files => ({ [name]: content });
const goose = (up: string): Files => one(`-- +goose Up\n${up}\n-- +goose Down\nSELECT 1;\n`);

/** What is in the folder, and what is said of it. */
const FOLDERS: readonly (readonly [what: string, files: Files, message: string])[] = [
  ['SQL that does not parse', one('SELECT 1;\n\nSELEC 2;'), '1_a.sql:3: syntax error at or near "SELEC"'],
  ['the same in the section of a tool', goose('SELECT 1;\nSELEC 2;'), '1_a.sql:3: syntax error at or near "SELEC"'],
  ['a NUL byte', one('SELECT 1;\nSELECT 2;\0'), '1_a.sql:2: the file holds a NUL byte'],
  ['bytes that are no UTF-8', one(new Uint8Array([0x2d, 0x2d, 0xff])), '1_a.sql: the file is not UTF-8; save it as UTF-8'],
  ['a template', one('CREATE TABLE ${schema}.t (id int)'), '1_a.sql:1: ${schema} is a placeholder of a template'],
  ['50 MB of data', one(`INSERT INTO t VALUES ('${'x'.repeat(50_000_000)}')`), 'the file is larger than 8 MiB; load data with a program'],
  ['50 MB in the folder of a tool', one('x'.repeat(50_000_000), 'a/migration.sql'), 'a/migration.sql:1: it is larger than 8 MiB'],
  [
    'SET TRANSACTION later on',
    one('SELECT 1;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE'),
    '1_a.sql:2: SET TRANSACTION has to be the first statement',
  ],
  ['COMMIT in the middle', one('SELECT 1;\nCOMMIT;\nSELECT 2'), '1_a.sql:2: BEGIN, COMMIT and ROLLBACK are not allowed here'],
  ['ROLLBACK in the section of a tool', goose('SELECT 1;\nROLLBACK;'), '1_a.sql:3: BEGIN, COMMIT and ROLLBACK are not allowed here'],
  ['BEGIN without an end, of a tool', goose('BEGIN;\nSELECT 1;'), '1_a.sql:2: BEGIN, COMMIT and ROLLBACK are not allowed here'],
  [
    'BEGIN and COMMIT beside what cannot be in a transaction',
    goose('BEGIN;\nSELECT 1;\nCOMMIT;\nVACUUM t;'),
    '1_a.sql:5: this statement cannot run inside BEGIN ... COMMIT',
  ],
  ['a command of psql', one('SELECT 1;\n\\copy t FROM x.csv'), '1_a.sql:2: "\\copy" is a command of psql, not SQL; take it out'],
  ['COPY with its data', one('COPY t FROM stdin;\n1\n\\.\n'), 'COPY ... FROM stdin carries its data in the file'],
  ['a link to nothing', one((path) => symlinkSync(`${path}.gone`, path)), '1_a.sql: it is a link to what is not there'],
  [
    'a link to nothing, of a tool',
    one((path) => symlinkSync(`${path}.gone`, path), 'a/migration.sql'),
    'a/migration.sql:1: it is a link to what is not there',
  ],
  [
    'a link in a circle, of a tool',
    one((path) => symlinkSync(path, path), 'a/migration.sql'),
    'a/migration.sql:1: it cannot be read: ELOOP',
  ],
  ['a link to a folder', one((path) => symlinkSync('/tmp', path)), '1_a.sql: it is no file'],
  ['a pipe', one((path) => void execFileSync('mkfifo', [path])), '1_a.sql: it is no file'],
  ['a pipe, of a tool', one((path) => void execFileSync('mkfifo', [path]), 'a/migration.sql'), 'a/migration.sql:1: it is no file'],
  ['a folder with the name of a file', one((path) => mkdirSync(path)), '1_a.sql: it is a folder'],
  ['a migration twice', { '1_a.sql': 'SELECT 1', '1_a.up.sql': 'SELECT 1' }, '1_a.up.sql: 1_a.sql is the same migration'],
  ['a version twice', { 'V1__a.sql': 'SELECT 1', 'V01__b.sql': 'SELECT 1' }, 'has the same version (1)'],
  ['a name without a number', one('SELECT 1', 'a.sql'), 'a.sql: call it like 20261121093000_add_price.sql'],
  ['MySQL', one('CREATE TABLE `t` (id int)'), 'unsupported: this looks like MySQL; only PostgreSQL is migrated'],
  ['MySQL, of a tool', goose('CREATE TABLE t (id int AUTO_INCREMENT) ENGINE=InnoDB;'), 'unsupported: this looks like MySQL'],
  ['SQLite', one('CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)'), 'unsupported: this looks like SQLite'],
  [
    'Prisma for MySQL, by its lock file',
    { 'a/migration.sql': 'SELECT 1', 'migration_lock.toml': 'provider = "mysql"\n' },
    'unsupported: this is for mysql; only PostgreSQL is judged',
  ],
  [
    'Prisma for SQLite, by its schema',
    {
      'a/migration.sql': 'SELECT 1',
      '../schema.prisma': 'generator client {\n  provider = "x"\n}\ndatasource db {\n  provider = "sqlite"\n}\n',
    },
    'unsupported: this is for sqlite; only PostgreSQL is judged',
  ],
];

describe('a folder that cannot be applied is refused before anything runs', () => {
  test.each(FOLDERS)('%s', async (_what, list, message) => {
    const directory = join(folder(), 'm');
    files(Object.fromEntries(Object.entries({ '0_before.sql.off': '', ...list }).map(([name, content]) => [`m/${name}`, content])));
    const answer = await applyMigrations(request({ directory }));
    expect(answer).toMatchObject({ verdict: 'fail', changed: false, applied: [] });
    expect(answer.reason).toContain(message);
    const refused = { code: 'config_invalid', message: expect.stringContaining(message) as string };
    await expect(migrationStatus(access(), { directory })).rejects.toMatchObject(refused);
    await expect(planMigrations(null, { directory })).rejects.toMatchObject(refused);
    expect(await query(`SELECT 1 FROM pg_namespace WHERE nspname = 'slipway_history'`)).toEqual([]);
  });

  test('a folder that is none', async () => {
    await expect(applyMigrations(request({ directory: join(folder(), 'none') }))).rejects.toMatchObject({ code: 'not_found' });
    writeFileSync(join(folder(), 'file'), '');
    await expect(applyMigrations(request({ directory: join(folder(), 'file') }))).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a database that refuses', () => {
  async function as(user: string, rights: string): Promise<DatabaseAccess> {
    await query(`DROP ROLE IF EXISTS ${user}`);
    await query(`CREATE ROLE ${user} LOGIN`);
    if (rights !== '') await query(rights);
    return openAccess(access().url.replace('slipway@', `${user}@`));
  }

  test('a user that may not make the history', async () => {
    files(one('CREATE TABLE t (id int)'));
    await expect(applyMigrations(request({ access: await as('guest', '') }))).rejects.toMatchObject({
      code: 'database_refused',
      message: 'A right is missing for migrating: permission denied for database ' + access().name,
      hint: expect.stringContaining(`(GRANT CREATE ON DATABASE "${access().name}" TO "guest")`) as string,
    });
    const { hindrances } = await migrationStatus(await as('guest', ''), { directory: folder() });
    expect(hindrances).toEqual([
      `A right is missing to make the schema slipway_history: GRANT CREATE ON DATABASE "${access().name}" TO "guest"`,
    ]);
  });

  test('a user that may make no schema works in the one that was made for it', async () => {
    const poor = await as('poor', '');
    await query('CREATE SCHEMA slipway_history AUTHORIZATION poor; CREATE SCHEMA poor AUTHORIZATION poor');
    files(one('CREATE TABLE poor.t (id int)'));
    expect((await migrationStatus(poor, { directory: folder() })).hindrances).toEqual([]);
    expect(await applyMigrations(request({ access: poor }))).toMatchObject({ verdict: 'pass', applied: ['1_a'] });
  });

  test("a user that may not make the tool's table", async () => {
    files({ 'V1__a.sql': 'SELECT 1' });
    const helper = await as('helper', `GRANT CREATE ON DATABASE ${access().name} TO helper`);
    await expect(applyMigrations(request({ access: helper }))).rejects.toMatchObject({
      code: 'database_refused',
      message: expect.stringContaining('permission denied for schema public') as string,
    });
  });

  test('a user that does not own the table', async () => {
    await query('CREATE TABLE t (id int)');
    files(one('SELECT 1;\nALTER TABLE t ADD COLUMN a int'));
    const writer = await as('writer', `GRANT CREATE ON DATABASE ${access().name} TO writer`);
    const answer = await applyMigrations(request({ history: 'slipway', access: writer }));
    expect(answer).toMatchObject({ verdict: 'fail', changed: false });
    expect(answer.reason).toContain('1_a.sql:2: must be owner of table t [42501]');
    expect(answer.reason).toContain("hint: give database.url's user the right (an ALTER needs the owner of the table");
  });

  test('a standby', async () => {
    const primary = await startPostgres({ settings: ['max_wal_senders=10'] });
    const standby = await startReplica(primary);
    try {
      await primary.create('shop');
      const there = openAccess(standby.url('shop'));
      await expect.poll(() => standby.query('shop', 'SELECT 1 AS up').catch(() => [])).toEqual([{ up: 1 }]);
      files(one('CREATE TABLE t (id int)'));
      await expect(applyMigrations(request({ access: there }))).rejects.toMatchObject({
        code: 'database_refused',
        message: 'The server is read-only (a standby, or set so), which stops migrating',
      });
      expect(await migrationStatus(there, { directory: folder() })).toMatchObject({ pending: [{ name: '1_a' }] });
    } finally {
      await standby.stop();
      await primary.stop();
    }
  });

  test.each([
    ['Slipway', one('CREATE TABLE t (id int)')],
    ['a tool', { 'a/migration.sql': 'CREATE TABLE t (id int)' }],
  ])('one that takes no writes, with the history of %s', async (_whose, list) => {
    files(list);
    await server().query('postgres', `ALTER DATABASE ${access().name} SET default_transaction_read_only = on`);
    await expect(applyMigrations(request())).rejects.toMatchObject({
      code: 'database_refused',
      message: 'The server is read-only (a standby, or set so), which stops migrating',
      hint: 'Point database.url at the primary, or clear default_transaction_read_only.',
    });
    const { pending, hindrances } = await migrationStatus(access(), { directory: folder() });
    expect([pending.length, hindrances]).toEqual([1, [expect.stringContaining('The server is read-only')]]);
  });
});
