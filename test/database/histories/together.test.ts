import { describe, expect, test } from 'vitest';
import { applyMigrations, type WantedHistory } from '../../../src/database/index.ts';
import { toolWorld } from './tool-world.ts';

const { files, query, session, request } = toolWorld();

describe('a migration that Slipway left in the middle, and somebody ended with the tool', () => {
  const HALF = 'CREATE TABLE u (n int);\nCREATE INDEX CONCURRENTLY i ON nowhere (n);\nINSERT INTO t VALUES (1)';
  const PRISMA = { '1/migration.sql': 'CREATE TABLE t (n int)', '2/migration.sql': `-- slipway: no-transaction\n${HALF}` };
  const PLAIN = { '1_a.up.sql': 'CREATE TABLE t (n int)', '2_b.up.sql': `-- slipway: no-transaction\n${HALF}` };

  test.each<[WantedHistory, Readonly<Record<string, string>>, string, string]>([
    ['prisma', PRISMA, `UPDATE _prisma_migrations SET finished_at = now()`, 'it is applied'],
    ['prisma', PRISMA, `UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '2'`, 'nothing of it any more'],
    ['golang-migrate', PLAIN, 'UPDATE schema_migrations SET dirty = false', 'it is applied'],
    ['sqlx', PLAIN, 'DELETE FROM _sqlx_migrations WHERE version = 2', 'nothing of it any more'],
    [
      'dbmate',
      { '1_a.sql': `-- migrate:up\nCREATE TABLE t (n int);\n`, '2_b.sql': `-- migrate:up transaction:false\n${HALF};\n` },
      `INSERT INTO schema_migrations VALUES ('2')`,
      'it is applied',
    ],
  ])('%s: it is not gone on with, until a person says so (%#)', async (tool, list, settle, now) => {
    files(list);
    expect(await applyMigrations(request({ history: tool }))).toMatchObject({ verdict: 'fail', partial: { statement: 1 } });
    await query(`CREATE TABLE nowhere (n int); ${settle}`);
    const answer = await applyMigrations(request({ history: tool, acceptDrift: true }));
    expect(answer).toMatchObject({ verdict: 'fail', changed: false });
    expect(answer.reason).toContain(`Slipway stopped after 1 of its 3 statements (up), and`);
    expect(answer.reason).toContain(now);
    expect(await query('SELECT * FROM t')).toEqual([]);
    await query(`DROP TABLE u; ${/here too: (.*)\. If/.exec(answer.reason)?.[1] ?? ''}`);
    expect(await applyMigrations(request({ history: tool }))).toMatchObject({ verdict: 'pass' });
    expect(await query('SELECT * FROM t')).toHaveLength(now === 'it is applied' ? 0 : 1);
  });

  test('another one that the tool left in the middle stays in the way', async () => {
    files(PRISMA);
    await applyMigrations(request());
    await query(`INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'x', '3')`);
    files({ '3/migration.sql': 'INSERT INTO t VALUES (3)' });
    await query('CREATE TABLE nowhere (n int)');
    expect((await applyMigrations(request())).reason).toContain('prisma migrate resolve --applied 3');
    expect(await query('SELECT * FROM t')).toEqual([]);
  });
});

describe('a tool that is at work at the same time, and takes no lock', () => {
  const up = (sql: string, head = ''): string => `${head}-- +goose Up\n${sql};\n`;
  const TWICE = 'INSERT INTO t VALUES (1)';

  test.each([
    ['in a transaction', ''],
    ['without one', '-- +goose NO TRANSACTION\n'],
  ])('what it applied since Slipway looked is not applied again: %s', async (_how, head) => {
    // The first file does what the tool would do meanwhile.
    files({
      '1_a.sql': up('CREATE TABLE t (n int);\nINSERT INTO goose_db_version (version_id, is_applied) VALUES (2, true)'),
      '2_b.sql': up(TWICE, head),
    });
    const answer = await applyMigrations(request());
    expect(answer).toMatchObject({ verdict: 'fail', applied: ['1_a'], partial: null });
    expect(answer.reason).toContain('2_b.sql: goose_db_version says by now that it is applied');
    expect(await query('SELECT * FROM t')).toEqual([]);
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', changed: false });
  });

  test('a row that it is about to write is waited for', async () => {
    files({ '1_a.sql': up('CREATE TABLE t (n int)') });
    await applyMigrations(request());
    files({ '2_b.sql': up(TWICE) });
    const rival = await session('goose');
    await rival.query('BEGIN; INSERT INTO goose_db_version (version_id, is_applied) VALUES (2, true)');
    expect((await applyMigrations(request())).reason).toContain('lock timeout [55P03]');
    await rival.query('COMMIT');
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', changed: false });
    expect(await query('SELECT * FROM t')).toEqual([]);
  });
});
