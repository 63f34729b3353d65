import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { changedFiles, readArtifact, removeUnfinished, storeArtifact, type Stored } from './store.ts';
import { readTree, treeDigest } from './tree.ts';

let home: string;
let folder: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slw-artifact-'));
  folder = join(home, 'artifacts', 'shop', '1.0.0');
});
afterEach(() => rm(home, { recursive: true }));

async function source(name: string, files = 20): Promise<string> {
  const path = join(home, 'source', name);
  await mkdir(join(path, 'lib'), { recursive: true });
  for (let n = 0; n < files; n += 1) await writeFile(join(path, 'lib', `${n}.js`), `${name} ${n}`);
  await writeFile(join(path, `only-${name}`), '');
  return path;
}

function store(from: string, release: string): Promise<Stored> {
  return storeArtifact(from, folder, { service: 'shop', version: '1.0.0', gitSha: release, release, builtAt: '', toolchain: {} });
}

const beside = async (): Promise<readonly string[]> => (await readdir(join(folder, '..'))).toSorted();

it('of many that store the same version at once one wins, and nothing is mixed', async () => {
  const sources = await Promise.all(['a', 'b', 'c', 'd'].map((name) => source(name)));
  const stored = await Promise.all(sources.map((from, index) => store(from, `r${index}`)));
  const winners = stored.filter((one) => one.ours);
  expect(winners).toHaveLength(1);
  for (const one of stored) expect(one.manifest).toEqual(winners[0]?.manifest);
  expect(treeDigest(await readTree(folder))).toBe(winners[0]?.manifest.digest);
  expect(await beside()).toEqual(['1.0.0', '1.0.0.json']);
});

it('a published artifact is never replaced', async () => {
  const first = await store(await source('a'), 'r1');
  expect(await store(await source('b'), 'r2')).toEqual({ ...first, ours: false });
  expect(await changedFiles(folder, first.manifest)).toEqual([]);
});

it('a worker that died right after publishing leaves a whole artifact', async () => {
  const { manifest } = await store(await source('a'), 'r1');
  // As it is between the two renames.
  await rename(`${folder}.json`, `${folder}.json.${(await stat(folder)).ino}`);
  expect(await store(await source('b'), 'r2')).toEqual({ manifest, ours: false });
  expect(await beside()).toEqual(['1.0.0', '1.0.0.json']);
});

it('a folder without a manifest is no artifact', async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'half'), '');
  expect(await readArtifact(folder)).toBeNull();
  expect((await store(await source('a'), 'r1')).ours).toBe(true);
  expect((await readTree(folder)).map((file) => file.path)).not.toContain('half');
});

it('what a killed worker left goes with its release, and that of others stays', async () => {
  for (const release of ['r1', 'r2']) {
    await mkdir(join(`${folder}.unfinished-${release}-x`, 'tree'), { recursive: true });
    await writeFile(`${folder}.json.${(await stat(join(`${folder}.unfinished-${release}-x`, 'tree'))).ino}`, '{}');
  }
  await removeUnfinished(folder, 'r1');
  expect((await beside()).filter((name) => name.includes('unfinished'))).toEqual(['1.0.0.unfinished-r2-x']);
  expect(await beside()).toHaveLength(2);
});

it('a worker whose copy was taken away while it slept publishes nothing', async () => {
  const late = store(await source('a', 100), 'r1').catch((error: NodeJS.ErrnoException) => error.code);
  const begun = async (): Promise<boolean> => (await beside().catch(() => [])).some((name) => name.includes('unfinished'));
  while (!(await begun()));
  const newer = await store(await source('b'), 'r1');
  expect(['ENOENT', newer]).toContainEqual(await late);
  expect(treeDigest(await readTree(folder))).toBe((await readArtifact(folder))?.digest);
});
