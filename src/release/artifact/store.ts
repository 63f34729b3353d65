import { constants } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
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

/** Copies a built folder into the store under its version and records its digest. Replaces a half-made earlier copy. */
export async function storeArtifact(
  source: string,
  folder: string,
  about: Omit<ArtifactManifest, 'schema' | 'digest' | 'files'>,
): Promise<ArtifactManifest> {
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  await cp(source, unfinished, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
  const files = await readTree(unfinished);
  await rename(unfinished, folder);
  const manifest: ArtifactManifest = { schema: 'slipway.artifact/1', ...about, digest: treeDigest(files), files };
  const path = artifactManifest(folder);
  await writeFile(`${path}.unfinished`, `${JSON.stringify(manifest)}\n`, { flush: true });
  await rename(`${path}.unfinished`, path);
  return manifest;
}

/** The manifest of a stored artifact; null when there is none. @throws SlipwayError `state_corrupt` */
export async function readArtifact(folder: string): Promise<ArtifactManifest | null> {
  const path = artifactManifest(folder);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return JSON.parse(text) as ArtifactManifest;
  } catch (cause) {
    throw new SlipwayError('state_corrupt', `The artifact manifest ${path} is not JSON`, { cause });
  }
}

/** Paths that are gone or differ from what was built. Files a service wrote beside them do not count. */
export async function changedFiles(folder: string, manifest: ArtifactManifest): Promise<readonly string[]> {
  const now = new Map((await readTree(folder)).map((file) => [file.path, file]));
  return manifest.files
    .filter((file) => now.get(file.path)?.sha256 !== file.sha256 || now.get(file.path)?.mode !== file.mode)
    .map((file) => file.path);
}
