import { constants } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inodeOf, publishFolder, removeFolder, SlipwayError } from '../../kernel/index.ts';
import { artifactManifest } from './folders.ts';
import { readTree, treeDigest, type TreeFile } from './tree.ts';

/** What is known about a stored artifact; written last, so its presence means that the folder is complete. */
export interface ArtifactManifest {
  readonly schema: 'slipway.artifact/1';
  readonly service: string;
  readonly version: string;
  readonly gitSha: string | null;
  readonly release: string;
  readonly builtAt: string;
  readonly toolchain: Readonly<Record<string, string>>;
  readonly digest: string;
  readonly files: readonly TreeFile[];
}

export interface Stored {
  readonly manifest: ArtifactManifest;
  /** False when another worker was first: then it is the other's artifact that counts, and what we built is gone. */
  readonly ours: boolean;
}

/**
 * Copies a built folder into the store under its version and records its digest. Any number of workers and releases may do this at
 * once: each makes a copy of its own, and one of them becomes the version, by one rename.
 */
export async function storeArtifact(
  source: string,
  folder: string,
  about: Omit<ArtifactManifest, 'schema' | 'digest' | 'files'>,
): Promise<Stored> {
  await mkdir(dirname(folder), { recursive: true });
  await removeUnfinished(folder, about.release);
  const room = await mkdtemp(unfinished(folder, about.release));
  try {
    const tree = join(room, 'tree');
    await cp(source, tree, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
    const files = await readTree(tree);
    const manifest: ArtifactManifest = { schema: 'slipway.artifact/1', ...about, digest: treeDigest(files), files };
    const waiting = waitingManifest(folder, await inodeOf(tree));
    await writeFile(waiting, `${JSON.stringify(manifest)}\n`, { flush: true });
    if (await publish(tree, folder)) return { manifest: (await readArtifact(folder)) ?? manifest, ours: true };
    await rm(waiting, { force: true });
  } finally {
    await rm(room, { recursive: true, force: true });
  }
  const other = await readArtifact(folder);
  if (other === null) throw new Error(`Another worker published ${folder} and its manifest is not there`);
  return { manifest: other, ours: false };
}

/** Older builds of Slipway could leave a folder without a manifest, which is no artifact. */
async function publish(tree: string, folder: string): Promise<boolean> {
  if (await publishFolder(tree, folder)) return true;
  const seen = await inodeOf(folder);
  if (seen === null || (await readArtifact(folder)) !== null) return false;
  await removeFolder(folder, seen);
  return publishFolder(tree, folder);
}

/** Removes what a worker of this release left that was killed; one that only slept finds its copy gone and gives up. */
export async function removeUnfinished(folder: string, release: string): Promise<void> {
  const prefix = unfinished(folder, release);
  const names = await readdir(dirname(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const room = join(dirname(folder), name);
    if (!room.startsWith(prefix)) continue;
    await rm(waitingManifest(folder, await inodeOf(join(room, 'tree'))), { force: true });
    await removeFolder(room);
  }
}

function unfinished(folder: string, release: string): string {
  return `${folder}.unfinished-${release}-`;
}

/**
 * Where a manifest waits until its folder is published: found by the folder's inode, which a rename keeps. So the rename alone
 * decides, and a worker that dies right after it leaves a whole artifact.
 */
function waitingManifest(folder: string, inode: number | null): string {
  return `${artifactManifest(folder)}.${inode ?? 'none'}`;
}

/** The manifest of a stored artifact; null when there is none. @throws SlipwayError `state_corrupt` */
export async function readArtifact(folder: string): Promise<ArtifactManifest | null> {
  const path = artifactManifest(folder);
  const text = (await readIfThere(path)) ?? (await readIfThere(await arrived(folder)));
  if (text === null) return null;
  try {
    return JSON.parse(text) as ArtifactManifest;
  } catch (cause) {
    throw new SlipwayError('state_corrupt', `The artifact manifest ${path} is not JSON`, { cause });
  }
}

/** Puts a manifest that waits in its place; whoever does it first, the result is the same. */
async function arrived(folder: string): Promise<string> {
  const path = artifactManifest(folder);
  const inode = await inodeOf(folder);
  if (inode !== null)
    await rename(waitingManifest(folder, inode), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  return path;
}

async function readIfThere(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}

/** Paths that are gone or differ from what was built. Files a service wrote beside them do not count. */
export async function changedFiles(folder: string, manifest: ArtifactManifest): Promise<readonly string[]> {
  const now = new Map((await readTree(folder)).map((file) => [file.path, file]));
  return manifest.files
    .filter((file) => now.get(file.path)?.sha256 !== file.sha256 || now.get(file.path)?.mode !== file.mode)
    .map((file) => file.path);
}
