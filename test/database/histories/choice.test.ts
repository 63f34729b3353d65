import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { applyMigrations, migrationStatus, openAccess, planMigrations, type WantedHistory } from '../../../src/database/index.ts';

import { until } from '../support.ts';
import { toolWorld } from './tool-world.ts';

const { access, folder, files, query, session, request, status, refused } = toolWorld();

const FLYWAY = `CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL,
  script varchar(1000) NOT NULL, checksum integer, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time integer NOT NULL,
  success boolean NOT NULL)`;
const DRIZZLE =
  'CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)';
const JOURNAL = JSON.stringify({ dialect: 'postgresql', entries: [{ idx: 0, when: 5, tag: '0000_a' }] });

describe('whose history', () => {
  test('plain files and tables of tools: the choices are named, and one of them helps', async () => {
    files({ '1_a.sql': 'CREATE TABLE a (id int)' });
    await query(FLYWAY);
    const { message, hint } = await refused();
    expect(message).toContain('flyway_schema_history (Flyway)');
    expect(hint).toContain('slipway, flyway');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'fail', changed: false });
    expect(await applyMigrations(request({ history: 'slipway' }))).toMatchObject({ verdict: 'pass', applied: ['1_a'] });
    // From now on the database says it itself.
    expect(await status()).toMatchObject({ history: 'slipway_history.migration', pending: [] });
  });

  test("plain files that golang-migrate would not read are not taken for its own, whatever another service's table says", async () => {
    files({ '1_a.sql': 'CREATE TABLE a (id int)' });
    await query(
      'CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (1, false)',
    );
    expect((await refused()).hint).toContain('slipway, golang-migrate');
    files({ '2_b.up.sql': 'CREATE TABLE b (id int)' });
    expect(await status()).toMatchObject({ history: 'schema_migrations', pending: [{ name: '2_b' }] });
  });

  test("pairs of files are node-pg-migrate's beside its table, or where package.json names it", async () => {
    files({ '1_a.up.sql': 'CREATE TABLE a (id int)', '1_a.down.sql': 'DROP TABLE a' });
    expect(await status()).toMatchObject({ history: 'slipway_history.migration' });
    await query('CREATE TABLE pgmigrations (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL)');
    expect(await status()).toMatchObject({ history: 'pgmigrations', pending: [{ name: '1_a', hasDown: true }] });
    await query('DROP TABLE pgmigrations');
    files({ 'package.json': '{"devDependencies":{"node-pg-migrate":"^8.0.3"}}' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['1_a'] });
    expect(await query('SELECT name FROM pgmigrations')).toEqual([{ name: '1_a' }]);
  });

  test('files that Slipway applied go on with Slipway, until a table may speak of the same ones', async () => {
    files({ '1_a.up.sql': 'CREATE TABLE a (id int)' });
    await applyMigrations(request());
    expect(await status()).toMatchObject({ history: 'slipway_history.migration', pending: [] });
    await query('CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)');
    expect((await refused()).hint).toContain('slipway, golang-migrate');
  });

  test('files that Slipway applied go on with Slipway, until the tool has a table too', async () => {
    files({ '0000_a.sql': 'CREATE TABLE a (id int)' });
    await applyMigrations(request());
    files({ 'meta/_journal.json': JOURNAL });
    expect(await status()).toMatchObject({ history: 'slipway_history.migration', pending: [] });
    await query(DRIZZLE);
    expect((await refused()).hint).toContain('slipway, drizzle');
    const chosen = await migrationStatus(access(), { directory: folder(), history: 'drizzle' });
    expect(chosen.drift.join()).toContain('0000_a is applied by slipway_history.migration and pending by drizzle.__drizzle_migrations');
  });

  test('a folder of two tools', async () => {
    files({ 'a/migration.sql': '', '0000_a.sql': '', 'meta/_journal.json': JOURNAL });
    expect((await refused()).hint).toContain('prisma, drizzle');
  });

  test("the folders of Drizzle's edition 1 are not taken for Prisma's", async () => {
    files({ '20260101_a/migration.sql': 'CREATE TABLE a (id int)', '20260101_a/snapshot.json': '{}' });
    expect((await refused()).message).toContain('20260101_a/ holds SQL files, but only files directly in the folder are read');
  });

  test('a file that the tool would pass over is not passed over', async () => {
    files({ '20240101_a/migration.sql': 'SELECT 1', '2_b.sql': 'SELECT 2' });
    expect((await refused()).message).toContain('2_b.sql would not be applied: Prisma does not read it here');
  });

  test('a folder in which the tool would find nothing', async () => {
    files({ 'schema.sql': 'CREATE TABLE a (id int)' });
    const answer = await applyMigrations(request({ history: 'flyway' }));
    expect(answer).toMatchObject({ verdict: 'fail', changed: false });
    expect(answer.reason).toContain('none of its SQL files is a migration of Flyway');
  });

  test('two files of one version', async () => {
    files({ 'V1__a.sql': 'SELECT 1', 'V1.0__b.sql': 'SELECT 2' });
    expect((await refused()).message).toContain('V1__a: V1.0__b has the same version (1)');
  });

  test("another tool's table under the name", async () => {
    await query('CREATE TABLE schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp)');
    files({ '1_a.sql': '-- migrate:up\nSELECT 1;\n' });
    expect((await refused()).message).toContain('public.schema_migrations is not one of dbmate');
  });

  const NEXT = 'INSERT INTO there VALUES (2)';
  test.each<[WantedHistory, Readonly<Record<string, string>>, boolean]>([
    ['prisma', { 'a/migration.sql': NEXT }, false],
    ['flyway', { 'V1__a.sql': NEXT }, false],
    ['goose', { '1_a.sql': `-- +goose Up\n${NEXT};\n` }, true],
    ['drizzle', { '0000_a.sql': NEXT, 'meta/_journal.json': JOURNAL }, true],
    ['slipway', { '1_a.up.sql': NEXT }, true],
    ['golang-migrate', { '1_a.up.sql': NEXT }, true],
  ])('%s does not begin in a database that holds tables, where it might have applied all of it', async (tool, list, said) => {
    // As goose -table, x-migrations-table and their like leave it.
    await query('CREATE TABLE my_versions (version bigint); CREATE TABLE there (id int)');
    files(list);
    await expect(applyMigrations(request())).rejects.toMatchObject({ code: 'not_possible_now', hint: expect.any(String) as string });
    expect((await status()).drift.join()).toMatch(
      /The database holds tables already \(public.my_versions\)|public.my_versions looks like the history/,
    );
    expect(await query('SELECT * FROM there')).toEqual([]);
    const written = applyMigrations(request({ history: tool }));
    if (said) expect(await written).toMatchObject({ verdict: 'pass' });
    else await expect(written).rejects.toMatchObject({ code: 'not_possible_now' });
  });

  test("plain files begin Slipway's own history beside tables that look like none", async () => {
    await query('CREATE TABLE there (id int, version int, body text); CREATE TABLE tags (id int, name text)');
    files({ '1_a.sql': NEXT.replace('(2)', '(2, 1)') });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
  });

  test('tables of an extension are none', async () => {
    await query('CREATE TABLE of_extension (id int)');
    await query(
      `INSERT INTO pg_depend SELECT 'pg_class'::regclass, 'of_extension'::regclass, 0, 'pg_extension'::regclass, oid, 0, 'e' FROM pg_extension LIMIT 1`,
    );
    files({ '1_a.sql': 'CREATE TABLE a (id int)' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
  });

  test("the tool's lock is that of the schema its table is in", async () => {
    await query(`${FLYWAY}; CREATE SCHEMA AUTHORIZATION CURRENT_USER`);
    files({ 'V1__a.sql': 'SELECT 1' });
    const rival = await session('Flyway');
    // The hash of "public"."flyway_schema_history", on top of "Flyway".
    await rival.query('SELECT pg_advisory_lock(77433833903597)');
    await expect(applyMigrations(request({ waitMs: 0 }))).rejects.toMatchObject({ code: 'locked' });
  });
});

describe('Flyway', () => {
  const rows = (sql: string): Promise<unknown> => query(`${FLYWAY}; ${sql}`);

  test('versions up to a baseline are taken as applied, undone and deleted ones are not', async () => {
    await rows(`INSERT INTO flyway_schema_history VALUES (1, '2', 'b', 'BASELINE', 'b', NULL, 'me', now(), 0, true),
      (2, '3', 'c', 'SQL', 'V3__c.sql', NULL, 'me', now(), 0, true), (3, '3', 'c', 'UNDO_SQL', 'U3__c.sql', NULL, 'me', now(), 0, true),
      (4, '2.5', 'java', 'JDBC', 'db.V2_5', NULL, 'me', now(), 0, true)`);
    files({ 'V1__a.sql': 'SELECT 1', 'V2__b.sql': 'SELECT 1', 'V3__c.sql': 'CREATE TABLE c (id int)' });
    expect(await status()).toMatchObject({ pending: [{ name: 'V3__c' }], drift: [] });
  });

  test('so are those up to the version of a baseline script that Flyway ran', async () => {
    await rows(`INSERT INTO flyway_schema_history VALUES (1, '2', 'b', 'SQL_BASELINE', 'B2__b.sql', 7, 'me', now(), 0, true)`);
    files({ 'V1__a.sql': 'SELECT 1', 'V2__b.sql': 'SELECT 1', 'V3__c.sql': 'SELECT 1' });
    expect(await status()).toMatchObject({ pending: [{ name: 'V3__c' }], drift: [] });
  });

  test('a repeatable file is applied last, and again whenever it changes', async () => {
    files({ 'R__view.sql': 'CREATE OR REPLACE VIEW v AS SELECT id FROM a', 'V1__a.sql': 'CREATE TABLE a (id int, n int)' });
    expect(await applyMigrations(request())).toMatchObject({ applied: ['V1__a', 'R__view'] });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: [] });
    files({ 'R__view.sql': 'CREATE OR REPLACE VIEW v AS SELECT id, n FROM a', 'V2__b.sql': 'SELECT 1' });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['V2__b', 'R__view'] });
    expect(await query('SELECT installed_rank AS rank, version, description FROM flyway_schema_history ORDER BY 1')).toEqual([
      { rank: 1, version: '1', description: 'a' },
      { rank: 2, version: null, description: 'view' },
      { rank: 3, version: '2', description: 'b' },
      { rank: 4, version: null, description: 'view' },
    ]);
  });

  test.each<[string, string, string]>([
    ['a placeholder', 'V1__a.sql', 'only Flyway fills in'],
    ['a callback', 'beforeMigrate.sql', 'only Flyway calls'],
    ['a baseline script', 'B5__b.sql', 'in the place of the files up to it'],
  ])('%s', async (_what, name, message) => {
    files({ 'V2__b.sql': 'SELECT 1', [name]: 'CREATE SCHEMA ${x}' });
    expect((await refused()).message).toContain(message);
  });

  test('a checkout with other line breaks is the same file', async () => {
    files({ 'V1__a.sql': 'CREATE TABLE a (id int);\nSELECT 1;\n' });
    await applyMigrations(request());
    files({ 'V1__a.sql': '\uFEFFCREATE TABLE a (id int);\r\nSELECT 1;\r\n' });
    expect(await status()).toMatchObject({ drift: [], pending: [] });
  });
});

test("what a person settles is entered in the tool's table by the next run", async () => {
  const block = 'DO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; PERFORM pg_sleep(60); END $$';
  files({ '1_a.sql': '-- migrate:up\nCREATE TABLE t (n int);\n', '2_b.sql': `-- migrate:up transaction:false\n${block};\n` });
  const stop = new AbortController();
  const applying = applyMigrations(request({ signal: stop.signal }));
  await until('it has committed', async () => (await query('SELECT 1 FROM t').catch(() => [])).length === 1);
  stop.abort();
  expect(await applying).toMatchObject({ verdict: 'fail', changed: true });
  const again = await applyMigrations(request());
  expect(again).toMatchObject({ verdict: 'unknown', partial: { name: '2_b' } });
  await query(/if it did: (.*);\n/.exec(again.reason)?.[1] ?? '');
  expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2_b'], partial: null });
  expect(await query('SELECT version FROM schema_migrations')).toEqual([{ version: '1' }, { version: '2' }]);
  expect(await query('SELECT * FROM t')).toEqual([{ n: 1 }]);
  expect(await status()).toMatchObject({ pending: [], drift: [], partial: null });
});

test('BEGIN and COMMIT, which Prisma writes into its files, are left out: all of a file is one transaction', async () => {
  const change = (last: string): string => `CREATE TABLE a (id int);\nBEGIN;\nALTER TABLE a ADD COLUMN n int;\nCOMMIT;\n${last};\n`;
  files({ 'a/migration.sql': change('SELECT nonsense') });
  expect((await applyMigrations(request())).reason).toContain('a/migration.sql:5: column "nonsense" does not exist');
  expect(await query(`SELECT to_regclass('a') AS a`)).toEqual([{ a: null }]);
  files({ 'a/migration.sql': change('ALTER TABLE a ADD COLUMN m int') });
  expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass' });
});

const CORPUS = fileURLToPath(new URL('../../../../shared/corpus/langfuse/packages/shared/prisma/migrations', import.meta.url));
if (!existsSync(CORPUS)) process.stderr.write('histories: ../shared/corpus is not there, its migrations are not read\n');

test.skipIf(!existsSync(CORPUS))('every migration of a large project that uses Prisma can be applied', async () => {
  const plan = await planMigrations(null, { directory: CORPUS });
  expect(plan.files.length).toBeGreaterThan(400);
});

test('a file that sets an empty search path still finds the table of its tool', async () => {
  files({ '1_a.sql': `-- migrate:up\nSELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.a (id int);\n` });
  expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['1_a'] });
  expect(await query('SELECT version FROM schema_migrations')).toEqual([{ version: '1' }]);
});

test('everything is in the schema that a URL of Prisma names', async () => {
  const named = openAccess(`${access().url}&schema=my%20shop`);
  files({ 'a/migration.sql': 'CREATE TABLE a (id int); RESET ALL; CREATE TABLE b (id int)' });
  await expect(applyMigrations(request({ access: named }))).rejects.toMatchObject({ code: 'not_possible_now' });
  await query('CREATE SCHEMA "my shop"');
  expect(await applyMigrations(request({ access: named }))).toMatchObject({ verdict: 'pass' });
  expect(await query(`SELECT relname FROM pg_class WHERE relnamespace = '"my shop"'::regnamespace AND relkind = 'r' ORDER BY 1`)).toEqual([
    { relname: '_prisma_migrations' },
    { relname: 'a' },
    { relname: 'b' },
  ]);
});

test.each<[string, Readonly<Record<string, string>>]>([
  ['Prisma', { 'a/migration.sql': 'SELECT 1', 'migration_lock.toml': 'provider = "mysql"' }],
  [
    'Drizzle',
    { '0000_a.sql': 'SELECT 1', 'meta/_journal.json': JSON.stringify({ dialect: 'sqlite', entries: [{ when: 1, tag: '0000_a' }] }) },
  ],
])('%s for another database is unsupported', async (_tool, list) => {
  files(list);
  expect((await refused()).message).toMatch(/unsupported: this is for (?:mysql|sqlite); only PostgreSQL/);
});
