import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameAt } from '../../src/cli/demo/customers.ts';
import { openAccess, queryRows } from '../../src/database/index.ts';
import { openEmbedded } from '../../src/store/index.ts';
import { processesIn } from './support/processes.ts';
import { endHome } from './support/small-service.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const ROWS = 3_000;
const DEADLINE_MS = 600_000;

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'slipway-migration-')));
});
afterAll(async () => {
  await endHome(join(folder, 'shop', '.slipway'));
  await rm(folder, { recursive: true, force: true });
});

describe('the demo of a migration', () => {
  it(
    'splits a column in four phases: no user fails, no name is lost, and whoever drops too early is refused',
    async () => {
      const { code, said } = await demo('--migration', '--rows', String(ROWS), '--folder', join(folder, 'shop'), '--keep');
      expect(code, said).toBe(0);

      const users = [...said.matchAll(/^Users during (.*): (\d+) reads, (\d+) writes, (\d+) failed/gm)];
      expect(users.map(([, during, , , failed]) => `${during}: ${failed}`)).toEqual([
        'the release of 2.1.0: 0',
        'the backfill: 0',
        'the release of 2.2.0: 0',
        'the release of 2.3.0: 0',
        'the release of 2.4.0: 0',
        'the release of 2.5.0: 0',
      ]);
      expect(users.every(([, , reads, writes]) => Number(reads) > 0 && Number(writes) > 0)).toBe(true);
      for (const version of ['2.1.0', '2.2.0', '2.4.0', '2.5.0']) expect(said).toContain(`${version} released: pack verified`);
      // Whoever drops too early is told what of it does not work, and who still needs the column; the database is not touched.
      const early = said.slice(said.indexOf('=== Too early'), said.indexOf('=== 2.4.0'));
      expect(early).toMatch(/✗ FAIL old service on contracted/);
      expect(early).toMatch(/contract: customer-name: window: .*2\.2\.0 is released, and versions before 2\.3\.0 need it/);
      expect(early).toContain('2.3.0 unchanged: pack verified');
      expect(early).not.toMatch(/migrate\.apply/);
      // At once it is too early for that as well.
      expect(said).toMatch(/(✗ FAIL|\? UNKNOWN) customer-name\n/);
      expect(said).toMatch(/✓ PASS split-names: no row is wrong/);
      expect(said).toMatch(/✓ PASS +customer-name +0 of \d+ rows \(all of them\) disagree/);
      await expectNames(said);
    },
    DEADLINE_MS,
  );

  it.each([
    ['a release that it drives itself', [], /preflight\.checks/],
    ['a command that it runs', ['--migration', '--rows', '10'], /preflight\.checks/],
  ] as const)(
    'leaves nothing behind when it is interrupted in %s',
    async (_what, options, when) => {
      const place = join(folder, `interrupted-${options.length}`);
      const child = spawn(process.execPath, [MAIN, 'demo', '--folder', place, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      let isTold = false;
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        // Once: told again, it would end without taking anything down.
        if (when.test(said) && !isTold) isTold = child.kill('SIGINT');
      });
      // Not its exit, after which there may be something to read still.
      const [code] = (await once(child, 'close')) as [number | null];
      expect(code, said).toBe(130);
      expect(said).toContain('Interrupted: what runs is taken down.');
      // PostgreSQL was told to stop, and writes its last checkpoint.
      await expect.poll(() => processesIn([place]).map(commandOf), { message: 'runs in its folder still' }).toEqual([]);
    },
    DEADLINE_MS,
  );
});

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // It has just ended; the next look sees it no more.
    return `${pid}`;
  }
}

/** Looks for itself: the demo's own word for it is not enough. */
async function expectNames(said: string): Promise<void> {
  const { url } = await openEmbedded({ home: join(folder, 'shop', '.slipway') });
  const rows = await queryRows(openAccess(url('shop')), 'SELECT * FROM customers ORDER BY id', 20_000);
  const nameOf = (row: Readonly<Record<string, unknown>>): string =>
    [row['first_name'], row['last_name']].filter((part) => part !== '').join(' ');
  const [byUsers, untouched] = [/^(Renamed in turn|New Customer) \d+$/, 'as they were'];
  const kinds = rows.map((row) => {
    const [id, name] = [Number(row['id']), nameOf(row)];
    if (byUsers.test(name)) return 'by users';
    return name === ['', 'Ada Lovelace', 'Cher', 'Ludwig van Beethoven'][id] || name === nameAt(id) ? untouched : `${id}: ${name}`;
  });
  expect([...new Set(kinds)].toSorted()).toEqual([untouched, 'by users']);
  expect(rows.every((row) => Object.keys(row).join() === 'id,first_name,last_name')).toBe(true);
  expect(rows.every((row) => !String(row['first_name']).includes(' '))).toBe(true);
  expect(kinds.length).toBeGreaterThanOrEqual(ROWS + 3);
  const [, told] = /(\d[\d,]*) of them written by users/.exec(said) ?? [];
  // Those who were renamed after the comparison, or asked meanwhile, are not in its count.
  expect(Number(told?.replaceAll(',', ''))).toBeGreaterThan(100);
}

function demo(...options: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve) => {
    const limits = { timeout: DEADLINE_MS - 20_000, maxBuffer: 16 * 1024 * 1024 };
    execFile(process.execPath, [MAIN, 'demo', ...options], limits, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, said: `${stdout}\n${stderr}` });
    });
  });
}
