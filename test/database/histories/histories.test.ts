import { describe, expect, test } from 'vitest';
import { applyMigrations, downMigrations, migrationStatus, planMigrations } from '../../../src/database/index.ts';
import { toolWorld } from './tool-world.ts';
import { TOOL_CASES } from './tools.ts';

const { access, folder, files, query, session, request } = toolWorld();

const own = async (): Promise<readonly unknown[]> => query('SELECT name, finished FROM slipway_history.migration');

describe.each(TOOL_CASES)(
  '$tool',
  ({ tool, first, second, third, names, made, query: rowsOf, rows, half, broken, lock, down, checksum }) => {
    test('an empty database gets its table, and rows as it writes them', async () => {
      files(first, second);
      expect(await applyMigrations(request({ history: tool }))).toMatchObject({
        verdict: 'pass',
        applied: names.slice(0, 2),
        partial: null,
      });
      expect(await query(rowsOf)).toEqual(rows);
      expect(await own()).toEqual([]);
      expect(await applyMigrations(request({ history: tool }))).toMatchObject({ verdict: 'pass', changed: false });
    });

    test('what it applied is not applied again; its table and folder are found by themselves', async () => {
      await query(`CREATE TABLE t (id int); ${made}`);
      files(first, second);
      const status = await migrationStatus(access(), { directory: folder() });
      expect(status.pending.map(({ name }) => name)).toEqual([names[1]]);
      expect(status).toMatchObject({ drift: [], applied: [{ name: names[0] }] });
      expect((await planMigrations(access(), { directory: folder() })).files.map(({ name }) => name)).toEqual([names[1]]);
      expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', applied: [names[1]] });
      expect(await query(rowsOf)).toEqual(rows);
    });

    test('a file without a transaction that stopped in the middle goes on there, and its table says so meanwhile', async () => {
      files(first, second, third);
      const stopped = await applyMigrations(request({ history: tool }));
      expect(stopped).toMatchObject({ verdict: 'fail', applied: names.slice(0, 2), partial: { name: names[2], statement: 1 } });
      const between = await query(rowsOf);
      if (half === null) expect(between).toEqual(rows);
      else expect(between.at(-1)).toMatchObject(half);
      await query('CREATE TABLE later (id int)');
      expect(await applyMigrations(request({ history: tool }))).toMatchObject({ verdict: 'pass', applied: [names[2]] });
      expect(await query('SELECT * FROM later')).toEqual([{ id: 1 }]);
      expect(await own()).toEqual([]);
      expect(await migrationStatus(access(), { directory: folder() })).toMatchObject({ pending: [], drift: [], partial: null });
    });

    test('a file that goes before an applied one, or is gone, is drift', async () => {
      files(second, ...(tool === 'drizzle' ? [{ '0000_one.sql': '' }] : []));
      await query(`CREATE TABLE t (id int); ${made}`);
      expect((await migrationStatus(access(), { directory: folder(), history: tool })).drift.join('\n')).toMatch(
        tool === 'drizzle' ? /0000_one was changed/ : /is not in the folder/,
      );
    });

    test.runIf(checksum)('a file that was changed after it was applied is drift', async () => {
      files(first, second);
      await query(`CREATE TABLE t (id int); ${made}`);
      const [path = ''] = Object.keys(first);
      files({ [path]: 'CREATE TABLE t (id bigint);\n' });
      expect((await applyMigrations(request())).reason).toContain(`${names[0]} was changed after it was applied`);
      expect(await query(rowsOf)).toEqual(rows.slice(0, 1));
    });

    test.runIf(broken !== null)('what it left in the middle is refused with what to do, even by somebody who accepts drift', async () => {
      files(first, second);
      await query(`CREATE TABLE t (id int); ${made}; ${broken?.[0] ?? ''}`);
      const answer = await applyMigrations(request({ acceptDrift: true }));
      expect(answer).toMatchObject({ verdict: 'fail', changed: false });
      expect(answer.reason).toContain(broken?.[1]);
      expect((await migrationStatus(access(), { directory: folder() })).drift.join('\n')).toContain(broken?.[1]);
    });

    test.runIf(lock !== null)('it is waited for while it holds its lock', async () => {
      files(first);
      const other = await session('the tool');
      await other.query(`SELECT pg_advisory_lock(${lock?.(access().name) ?? 0n})`);
      await expect(applyMigrations(request({ history: tool, waitMs: 50 }))).rejects.toMatchObject({ code: 'locked' });
      await other.end();
      expect(await applyMigrations(request({ history: tool }))).toMatchObject({ verdict: 'pass' });
    });

    test('the way back takes its row away, where its files say one', async () => {
      files(first, second);
      await applyMigrations(request({ history: tool }));
      const back = await downMigrations({ ...request({ history: tool }), names: [names[1]] });
      if (!down) {
        expect(back).toMatchObject({ verdict: 'fail', changed: false });
        expect(back.reason).toContain('has no down file');
        return;
      }
      expect(back).toMatchObject({ verdict: 'pass', reverted: [names[1]] });
      expect((await migrationStatus(access(), { directory: folder(), history: tool })).pending.map(({ name }) => name)).toEqual([names[1]]);
      const all = await downMigrations({ ...request({ history: tool }), names: [names[0]] });
      expect(all).toMatchObject({ verdict: 'pass' });
      expect(await query(`SELECT to_regclass('t') AS t`)).toEqual([{ t: null }]);
    });
  },
);
