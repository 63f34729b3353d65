import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { applyMigrations, migrationStatus } from '../../src/database/index.ts';
import { FAULT_VARIABLE } from '../../src/kernel/index.ts';
import { CHILD_ENVIRONMENT } from '../support/child.ts';
import { crashServer } from './crash-server.ts';
import { migrationWorld } from './migration-world.ts';

const { access, folder, query, request, files, server } = migrationWorld();
const CHILD = fileURLToPath(new URL('./apply-child.ts', import.meta.url));
const KILLS = 50;
/** So many are pending at first, and as many more whenever a run came through before it was killed, because this test stood still. */
const FILES = 75;

/** Every statement leaves a row, so that one which ran twice, or never, shows. */
const ran = (file: number, part: number): string => `INSERT INTO ran VALUES (${file}, ${part});\n`;
const KINDS: readonly ((file: number) => string)[] = [
  (file) => `${ran(file, 1)}CREATE TABLE t${file} (id int);\n${ran(file, 2)}`,
  (file) => `${ran(file, 1)}CREATE INDEX CONCURRENTLY i${file} ON big (n);\n${ran(file, 2)}`,
  (file) => `-- slipway: no-transaction\n${ran(file, 1)}ALTER TABLE big ADD COLUMN c${file} int;\n${ran(file, 2)}`,
];

/** One run in a process of its own, killed a moment after its `at`th report; answers how it ended, null when it was killed. */
function child(at: number, { fault = '', history = [] as readonly string[] } = {}): Promise<string | null> {
  const process_ = spawn(process.execPath, [CHILD, access().url, folder(), ...history], {
    env: { ...CHILD_ENVIRONMENT, [FAULT_VARIABLE]: fault },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let reports = 0;
  let last: string | null = null;
  createInterface(process_.stdout).on('line', (line) => {
    if (line !== 'progress') last = line;
    else if ((reports += 1) === at) setTimeout(() => process_.kill('SIGKILL'), Math.random() * 12);
  });
  return new Promise((resolve) => process_.once('close', (_code, signal) => resolve(signal === 'SIGKILL' ? null : last)));
}

describe('applying', () => {
  test(`killed ${KILLS} times at chance points, beside a rival and with a crash of PostgreSQL, runs each statement once`, async () => {
    await query('CREATE TABLE ran (file int, part int)');
    await query('CREATE TABLE big (n int)');
    await query('INSERT INTO big SELECT generate_series(1, 2000)');
    let made = 0;
    const makeFiles = (): void => {
      const numbers = Array.from({ length: FILES }, () => (made += 1));
      files(Object.fromEntries(numbers.map((file) => [`${file}_x.sql`, KINDS[file % KINDS.length]?.(file) ?? ''])));
    };
    makeFiles();
    const ends = new Set<string>();
    for (let killed = 0, round = 0; killed < KILLS; round += 1) {
      // Rivals begin together: while one works, the next one is ready to take over.
      const runs = [1, 2].map(() => child(1 + Math.floor(Math.random() * 5)));
      if (round === 12) await crashServer(server());
      const ended = await Promise.all(runs);
      for (const end of ended) {
        if (end === null) killed += 1;
        else ends.add(end);
      }
      if (ended.includes('pass')) makeFiles();
      expect(round, [...ends].join(', ')).toBeLessThan(3 * KILLS);
    }
    // Only the crash of the server may be told; what was cut off by a kill tells nothing.
    const expected = new Set(['fail', 'unknown', 'pass', 'refused database_unreachable']);
    expect([...ends].filter((end) => !expected.has(end))).toEqual([]);
    expect(await applyMigrations(request())).toMatchObject({ verdict: 'pass', partial: null });
    expect(await query('SELECT file, part, count(*)::int AS times FROM ran GROUP BY 1, 2 HAVING count(*) <> 1')).toEqual([]);
    expect(await query('SELECT count(*)::int AS parts FROM ran')).toEqual([{ parts: 2 * made }]);
    expect(await query('SELECT count(*)::int AS n FROM pg_index WHERE NOT indisvalid')).toEqual([{ n: 0 }]);
    expect(await query('SELECT count(*)::int AS n, bool_and(finished) AS finished FROM slipway_history.migration')).toEqual([
      { n: made, finished: true },
    ]);
    expect(await migrationStatus(access(), { directory: folder() })).toMatchObject({ pending: [], drift: [], partial: null });
    // More than fifty processes begin, which a busy machine takes its time for.
  }, 300_000);

  test.each(['migrate.up.before-commit', 'migrate.up.committed', 'migrate.up.step-begun', 'migrate.up.step-before-record#2'])(
    "killed at %s, goes on, and the tool's table is as the tool would have it",
    async (fault) => {
      await query('CREATE TABLE ran (file int, part int)');
      files({
        '1_a.up.sql': `CREATE TABLE t (n int);\n${ran(1, 1)}`,
        '2_b.up.sql': `${ran(2, 1)}CREATE INDEX CONCURRENTLY i ON t (n);\nDROP INDEX CONCURRENTLY i;\n${ran(2, 2)}`,
      });
      const history = ['golang-migrate'] as const;
      expect(await child(0, { fault, history })).toBeNull();
      expect(await child(0, { history })).toBe('pass');
      expect(await query('SELECT file, part FROM ran ORDER BY 1, 2')).toEqual([
        { file: 1, part: 1 },
        { file: 2, part: 1 },
        { file: 2, part: 2 },
      ]);
      expect(await query('SELECT version::int, dirty FROM schema_migrations')).toEqual([{ version: 2, dirty: false }]);
      expect(await query('SELECT 1 FROM slipway_history.migration')).toEqual([]);
    },
  );
});
