import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyMigrations, lintPending, migrationStatus } from '../../../src/database/index.ts';
import { toolWorld } from './tool-world.ts';

const { access, folder, files, query, session, request, status, refused } = toolWorld();

const TABLE = `CREATE TABLE databasechangelog (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL,
  dateexecuted timestamp NOT NULL, orderexecuted int NOT NULL, exectype varchar(10) NOT NULL, md5sum varchar(35), description varchar(255),
  comments varchar(255), tag varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10));
  CREATE TABLE databasechangeloglock (id int NOT NULL PRIMARY KEY, locked boolean NOT NULL, lockgranted timestamp, lockedby varchar(255));
  INSERT INTO databasechangeloglock VALUES (1, false)`;
/** As Liquibase 4.28 wrote it down. */
const ran = (id: string, filename: string, author = 'ann'): string =>
  `INSERT INTO databasechangelog VALUES ('${id}', '${author}', '${filename}', now(), 1, 'EXECUTED', '9:2c593bc93918416b6782005e6e5b9272', 'sql', '', NULL, '4.28.0', NULL, NULL, '6091655591')`;
const changelog = (...changesets: readonly string[]): string => ['--liquibase formatted sql', ...changesets, ''].join('\n');
const changeset = (id: string, sql: string, attributes = ''): string => `--changeset ann:${id}${attributes}\n${sql};`;
const names = async (): Promise<unknown> => query('SELECT id, author, filename FROM databasechangelog ORDER BY orderexecuted, id');

describe('Liquibase', () => {
  test('a file of several changesets goes on where Liquibase stopped, under the path that Liquibase has for it', async () => {
    files({
      '1.sql': changelog(changeset('1', 'CREATE TABLE a (id int)'), '--changeset "Bob B":two words:x', 'CREATE TABLE b (id int);'),
      'more/2.sql': changelog(changeset('1', 'CREATE TABLE c (id int)')),
    });
    await query(`${TABLE}; CREATE TABLE a (id int); ${ran('1', 'classpath:db/changes/1.sql')}`);
    expect(await status()).toMatchObject({ pending: [{ name: '1.sql::two::Bob B' }, { name: 'more/2.sql::1::ann' }], drift: [] });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['1.sql::two::Bob B', 'more/2.sql::1::ann'] });
    expect(await names()).toEqual([
      { id: '1', author: 'ann', filename: 'classpath:db/changes/1.sql' },
      { id: 'two', author: 'Bob B', filename: 'classpath:db/changes/1.sql' },
      { id: '1', author: 'ann', filename: 'classpath:db/changes/more/2.sql' },
    ]);
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', changed: false });
  });

  test('it compares names as Liquibase does: case, "classpath:" and a leading slash do not count', async () => {
    const head = '--liquibase formatted sql logicalFilePath:db/one.sql';
    files({ '1.sql': `${head}\n${changeset('A', 'SELECT 1')}\n${changeset('b', 'SELECT 1', ' logicalFilePath:old/b.sql')}\n` });
    await query(`${TABLE}; ${ran('a', 'classpath:/DB/one.sql', 'Ann')}; ${ran('b', '/old/b.sql')}`);
    expect(await status()).toMatchObject({ pending: [], drift: [] });
  });

  test('the path has to be known: from one that Liquibase applied, or from the file', async () => {
    files({ '1.sql': changelog(changeset('1', 'CREATE TABLE a (id int)'), changeset('2', 'CREATE TABLE b (id int)')) });
    expect((await refused()).message).toContain('does not tell under which path Liquibase knows these files');
    // Another file, whose name ends alike.
    await query(`${TABLE}; ${ran('1', 'db/11.sql')}`);
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({ verdict: 'fail', changed: false });
    expect(answer.reason.split('does not tell')).toHaveLength(2);
    await query('TRUNCATE databasechangelog');
    // Of two services that number their changesets alike.
    await query(`${ran('1', 'billing/1.sql')}; ${ran('1', 'shop/1.sql')}`);
    expect((await refused()).message).toContain('under billing/ and under shop/');
    files({
      '1.sql': `--liquibase formatted sql logicalFilePath:shop/1.sql\n${changeset('1', 'SELECT 1')}\n${changeset('2', 'SELECT 2')}\n`,
    });
    const known = await status();
    expect(known.pending.map(({ name }) => name)).toEqual(['1.sql::2::ann']);
    expect(known.drift.join()).toContain('billing/1.sql::1::ann was applied by Liquibase');
  });

  test('in a database that is thrown away no path has to be known', async () => {
    files({ '1.sql': changelog(changeset('1', 'CREATE TABLE a (id int)')), '2.sql': changelog(changeset('1', 'CREATE TABLE b (id int)')) });
    const some = { thrownAway: true, only: ['1.sql::1::ann'] };
    expect(await applyMigrations(request(some))).toMatchObject({ verdict: 'pass', applied: ['1.sql::1::ann'] });
    expect(await applyMigrations(request({ thrownAway: true }))).toMatchObject({ verdict: 'pass', applied: ['2.sql::1::ann'] });
  });

  test('a changeset that was changed after Slipway ran it is drift, until Liquibase has a checksum of its own', async () => {
    const [two, three] = [changeset('2', 'CREATE TABLE b (id int)'), changeset('3', 'CREATE TABLE c (id int)')];
    files({ '1.sql': changelog(changeset('1', 'CREATE TABLE a (id int)'), two, three) });
    await query(`${TABLE}; CREATE TABLE a (id int); ${ran('1', 'db/1.sql')}`);
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['1.sql::2::ann', '1.sql::3::ann'] });
    files({ '1.sql': changelog(changeset('1', 'CREATE TABLE a (id bigint)'), changeset('2', 'CREATE TABLE b (id bigint)'), '', three) });
    // What Liquibase itself ran it judges by its checksum, and where the others stand in the file is no part of them.
    const said = '1.sql::2::ann was changed after Slipway applied it, and Liquibase has no checksum of it yet';
    expect((await status()).drift).toEqual([expect.stringContaining(said)]);
    expect(await applyMigrations(request())).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('liquibase update') as string,
    });
    await query(`UPDATE databasechangelog SET md5sum = '9:0123456789abcdef0123456789abcdef' WHERE id = '2'`);
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', changed: false });
  });

  test('what it does not run on PostgreSQL, or ignores, is none of the migrations', async () => {
    files({
      '1.sql': changelog(
        changeset('1', 'CREATE TABLE a (id int)'),
        changeset('2', 'CREATE TABLE `x` (id int)', ' dbms:mysql,oracle'),
        changeset('3', 'nonsense', ' dbms:!postgresql'),
        changeset('4', 'nonsense', ' ignore:true'),
        '--ignoreLines:start',
        changeset('5', 'nonsense'),
        '--ignoreLines:end',
        changeset('6', 'CREATE TABLE b (id int)', ' dbms:!oracle'),
        '--ignoreLines:1',
        'nonsense;',
      ),
    });
    await query(`${TABLE}; CREATE TABLE a (id int); ${ran('1', '1.sql')}`);
    expect(await lintPending(access(), { directory: folder() })).toMatchObject([{ name: '1.sql', verdict: 'pass' }]);
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['1.sql::6::ann'] });
  });

  test.each([
    [changeset('2', 'SELECT 1', ' runOnChange:true'), 'is run again by Liquibase'],
    [changeset('2', 'SELECT 1', ' runAlways:true'), 'is run again by Liquibase'],
    [changeset('2', 'SELECT 1', ' contextFilter:prod'), 'has a context or labels'],
    [changeset('2', 'SELECT 1', ' labels:x'), 'has a context or labels'],
    [changeset('2', 'SELECT 1', ' failOnError:false'), 'may fail'],
    [changeset('2', 'SELECT 1', ' runWith:psql'), 'runWith'],
    [changeset('2', 'SELECT 1', ' endDelimiter:/'), 'endDelimiter'],
    [changeset('2', '--preconditions onFail:MARK_RAN\nSELECT 1'), 'has preconditions'],
    [changeset('2', '--precondition-sql-check expectedResult:0 SELECT 0\nSELECT 1'), 'has preconditions'],
    [changeset('2', 'CREATE TABLE ${name} (id int)'), 'holds a placeholder'],
  ])('only Liquibase can run %j', async (two, message) => {
    files({ '1.sql': changelog(changeset('1', 'CREATE TABLE a (id int)'), two) });
    await query(`${TABLE}; CREATE TABLE a (id int); ${ran('1', 'db/1.sql')}`);
    expect((await refused()).message).toMatch(new RegExp(`1\\.sql \\(2\\) .*${message}`));
    // Once it is applied it is in nobody's way.
    await query(ran('2', 'db/1.sql'));
    expect(await status()).toMatchObject({ pending: [], drift: [] });
  });

  const FILES = { '1.sql': changelog(changeset('1', 'SELECT 1')), '2.sql': changelog(changeset('2', 'SELECT 1')) };
  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['conditions', { 'root.xml': '<databaseChangeLog><include file="1.sql" context="x"/></databaseChangeLog>' }, 'root.xml has context'],
    ['changes of its own', { 'root.json': '{"databaseChangeLog": [{"changeSet": {"id": 9}}]}' }, 'root.json has changeSet'],
    ['not all files', { 'root.yaml': 'databaseChangeLog:\n  - include:\n      file: db/2.sql\n' }, 'root.yaml does not include 1.sql'],
    [
      'another order',
      { 'root.yaml': 'databaseChangeLog:\n  - include:\n      file: 2.sql\n  - include:\n      file: 1.sql\n' },
      'root.yaml includes 2.sql before',
    ],
    ['no changeset', { '3.sql': 'SELECT 1' }, '3.sql has no changeset'],
  ])('a root file with %s, or a file with none, is not passed over', async (_what, more, message) => {
    files(FILES, more);
    await query(`${TABLE}; ${ran('1', 'db/1.sql')}`);
    expect((await refused()).message).toContain(message);
  });

  test.each<[string, (path: string) => void]>([
    ['leads nowhere', (path) => symlinkSync('nowhere', path)],
    ['leads in a circle', (path) => symlinkSync('root.xml', path)],
    ['leads to a folder', (path) => symlinkSync('.', path)],
    ['is a pipe', (path) => void execFileSync('mkfifo', [path])],
  ])('a root file that %s is not passed over: nobody knows what it says', async (_what, make) => {
    files(FILES);
    make(join(folder(), 'root.xml'));
    await query(`${TABLE}; ${ran('1', 'db/1.sql')}`);
    expect((await refused()).message).toContain('root.xml cannot be read, and may say which of these files Liquibase runs');
    // Above the folder it may be anybody's.
    files({ 'more/1.sql': FILES['1.sql'], 'more/2.sql': FILES['2.sql'] });
    const above = await migrationStatus(access(), { directory: join(folder(), 'more') });
    expect(above).toMatchObject({ pending: [{ name: '2.sql::2::ann' }], drift: [] });
  });

  test('a root file that only includes them is in nobody’s way', async () => {
    files(FILES, { 'root.yaml': 'databaseChangeLog:\n  - includeAll:\n      path: .\n' });
    await query(`${TABLE}; ${ran('1', 'db/1.sql')}`);
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2.sql::2::ann'] });
  });
});

describe("Liquibase's lock", () => {
  test('is waited for, and who has it is named', async () => {
    files({ '1.sql': changelog(changeset('1', 'SELECT 1')), '2.sql': changelog(changeset('2', 'SELECT 1')) });
    await query(`${TABLE}; ${ran('1', 'db/1.sql')}; UPDATE databasechangeloglock SET locked = true, lockedby = 'build-7 (10.0.0.7)'`);
    await expect(applyMigrations(request({ waitMs: 50 }))).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('which build-7 (10.0.0.7) has') as string,
      hint: expect.stringContaining('liquibase release-locks') as string,
    });
    await query('UPDATE databasechangeloglock SET locked = false');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2.sql::2::ann'] });
  });

  test('keeps Liquibase waiting where it would take it, and is gone afterwards', async () => {
    files({ '1.sql': changelog(changeset('1', 'SELECT 1')) });
    await query(`${TABLE}; ${ran('1', 'db/1.sql')}`);
    // What another session would get of the row, while the file is applied.
    const look =
      'CREATE TABLE seen (id int); INSERT INTO seen SELECT id FROM databasechangeloglock WHERE NOT locked FOR UPDATE SKIP LOCKED';
    files({ '2.sql': changelog(changeset('2', look)) });
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: ['2.sql::2::ann'] });
    expect(await query('SELECT * FROM seen')).toEqual([]);
    const rival = await session('Liquibase');
    await rival.query('UPDATE databasechangeloglock SET locked = true WHERE id = 1 AND NOT locked');
    expect(await query('SELECT locked FROM databasechangeloglock')).toEqual([{ locked: true }]);
  });
});
