import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chooseMethod, createBackup, openAccess, restoreBackup, type DatabaseAccess } from '../../src/database/index.ts';
import { tidyRelease, type ReleaseSummary, type StepDeps, type StoredRelease } from '../../src/release/index.ts';
import { effects, tools } from '../database/support.ts';
import { aPlan } from '../support/plan.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const DAY = 86_400_000;
let server: TestPostgres;
let access: DatabaseAccess;
const home = mkdtempSync(join(tmpdir(), 'slw-tidy-'));
beforeAll(async () => {
  server = await startPostgres();
  access = openAccess(await server.create('shop'));
});
afterAll(async () => {
  await server.stop();
  rmSync(home, { recursive: true });
});

const backupOf = (release: string): string => join(home, 'releases', release, 'backup');
const copies = async (): Promise<readonly string[]> =>
  (await server.query('postgres', `SELECT datname FROM pg_database WHERE datname LIKE 'shop\\_%'`)).map((row) => String(row['datname']));

/** A release that backed up by a copy in the server, and maybe was restored from it. */
async function released(release: string, fence: number, restored = false): Promise<void> {
  const method = await chooseMethod(access, 'template', tools);
  const request = { access, method, directory: backupOf(release), fence, effects };
  const manifest = await createBackup({ ...request, key: release });
  if (restored) await restoreBackup({ ...request, manifest, key: release });
}

it('a release that ends tidies up after earlier ones, although some of them made no backup', async () => {
  await released('01old-failed', 1, true);
  await released('01failed', 2, true);
  await released('01old', 3);
  mkdirSync(join(home, 'releases', '01new', 'source-5-1'), { recursive: true });
  const ended = (release: string, daysAgo: number) => ({ release, finishedAt: effects.clock.now() - daysAgo * DAY });
  const list = [ended('01new', 0), ended('01none', 1), ended('01old', 2), ended('01failed', 13), ended('01old-failed', 15)];
  const deps = {
    home,
    effects: { ...effects, ids: { token: () => 'x' } },
    databaseFor: async () => access,
    environmentFor: async () => ({}),
  } as unknown as StepDeps;
  const events = [
    { type: 'release.requested', seq: 0, time: 0, actor: 'ann', data: { plan: aPlan(), wait: false, previousLedger: null } },
    { type: 'driver.claimed', seq: 1, time: 0, actor: 'w', data: { driver: 'w', fence: 5, takeover: false } },
  ];
  const stored = { events } as unknown as StoredRelease;
  const store = { list: async () => list as unknown as readonly ReleaseSummary[] };

  expect(await copies()).toHaveLength(5);
  await tidyRelease(deps, store, stored);
  // The copy of the one that was replaced, and what the younger restore renamed away.
  const left = await copies();
  expect(left.map((name) => name.replace(/_[0-9a-f]{10}(_\d+)?$/, '')).toSorted()).toEqual(['shop_backup', 'shop_failed']);
  expect(['01old', '01failed', '01old-failed'].map((release) => existsSync(backupOf(release)))).toEqual([true, false, false]);
  expect(existsSync(join(home, 'releases', '01new', 'source-5-1'))).toBe(false);
  await tidyRelease(deps, store, stored);
  expect(await copies()).toEqual(left);
});
