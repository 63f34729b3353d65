import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type pg from 'pg';
import { inodeOf, publishFolder, removeFolder, SlipwayError, toIso } from '../kernel/index.ts';
import { CURRENT_EDITION } from './digest-schema.ts';
import { withHold } from './hold.ts';
import { findDamage, readManifest, syncFolder, writeManifest } from './manifest.ts';
import type { BackupManifest, BackupMethod, DatabaseAccess, DatabaseEffects, Hold } from './ports.ts';

export interface BackupRequest {
  readonly access: DatabaseAccess;
  readonly method: BackupMethod;
  /** Idempotency key: the same key answers the same backup. */
  readonly key: string;
  readonly directory: string;
  /** Of the caller's claim: a worker with a lower one is ended, and writes nowhere a later one looks. */
  readonly fence: number;
  readonly effects: DatabaseEffects;
  readonly signal?: AbortSignal;
}

/**
 * Takes a backup and writes its manifest. A complete one of the same key is answered as it is. Each worker writes into a folder of
 * its own, which becomes the backup's by one rename when it is complete: there is a whole backup or none, and never two mixed.
 * @throws SlipwayError `fenced`, `locked`, `disk_full`, `database_unreachable`, `database_refused`, `client_tool_missing`
 */
export async function createBackup(request: BackupRequest): Promise<BackupManifest> {
  const { directory, effects, fence } = request;
  return withHold({ ...request, purpose: 'backup', clock: effects.clock }, async (hold) => {
    const earlier = await completeBackup(request, hold);
    if (earlier !== null) return earlier;
    await removeHalves(directory);
    const folder = `${directory}${HALF}${fence}`;
    // Readable by nobody else: a backup holds everything the database holds.
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      const manifest = await write(request, hold, folder);
      await publish(folder, directory);
      return manifest;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

/** Removes a backup: the copy in the server, then its folder. Idempotent. @throws SlipwayError `fenced`, `locked` */
export async function discardBackup(request: BackupRequest & { readonly manifest: BackupManifest }): Promise<void> {
  const { directory, effects, manifest, method } = request;
  await withHold({ ...request, purpose: 'backup', clock: effects.clock }, async (hold) => {
    await method.discard(hold, manifest);
    await removeFolder(directory);
  });
}

const HALF = '.half-';

async function write({ access, effects, key, method }: BackupRequest, hold: Hold, folder: string): Promise<BackupManifest> {
  const serverVersion = await hold.session('reading its version', versionOf);
  const takenAt = toIso(effects.clock.now());
  const { files, location, bytes, rows, schemaDigest } = await method.write(hold, key, folder);
  effects.faults.at('backup.before-manifest');
  const manifest: BackupManifest = {
    schema: CURRENT_EDITION,
    key,
    method: method.name,
    database: access.name,
    serverVersion,
    takenAt,
    files,
    location,
    bytes,
    rows,
    schemaDigest,
  };
  await writeManifest(folder, manifest);
  return manifest;
}

async function versionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ version: number }>(`SELECT current_setting('server_version_num')::int AS version`);
  return rows[0]?.version ?? 0;
}

/** What lies in the folder, when it is whole. Anything else is set aside: it belongs to no backup worth keeping. */
async function completeBackup({ directory, key, method }: BackupRequest, hold: Hold): Promise<BackupManifest | null> {
  const seen = await inodeOf(directory);
  if (seen === null) return null;
  const manifest = await readManifest(directory).catch(() => null);
  const whole =
    manifest !== null &&
    manifest.key === key &&
    manifest.method === method.name &&
    (await findDamage(directory, manifest)) === null &&
    (await method.stillThere(hold, manifest));
  if (whole) return manifest;
  if (!(await removeFolder(directory, seen))) throw overtaken();
  return null;
}

async function publish(folder: string, directory: string): Promise<void> {
  if (!(await publishFolder(folder, directory))) throw overtaken();
  await syncFolder(dirname(directory));
}

function overtaken(): SlipwayError {
  return new SlipwayError('fenced', 'A later claim has completed this backup meanwhile');
}

/** Under the hold only dead or replaced workers can have left any. */
async function removeHalves(directory: string): Promise<void> {
  const parent = dirname(directory);
  for (const name of await readdir(parent)) if (name.startsWith(`${basename(directory)}${HALF}`)) await removeFolder(join(parent, name));
}
