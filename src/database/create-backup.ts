import { toIso, type Clock } from '../kernel/index.ts';
import { databaseSize } from './access.ts';
import { emptyFolder, findDamage, readManifest, writeManifest } from './manifest.ts';
import type { BackupFile, BackupManifest, BackupMethodName, DatabaseAccess } from './ports.ts';
import type { Measure } from './measure.ts';

/** What a method found when it wrote the backup itself. */
export interface Written extends Measure {
  readonly files: readonly BackupFile[];
  readonly location: string | null;
  readonly bytes: number;
}

interface BackupJob {
  readonly method: BackupMethodName;
  readonly access: DatabaseAccess;
  readonly key: string;
  readonly directory: string;
  readonly clock: Clock;
  /** Is what the method left outside the folder still there? */
  readonly stillThere: (manifest: BackupManifest) => Promise<boolean>;
  readonly write: () => Promise<Written>;
}

/**
 * The frame of every method's `create`: answers a complete backup of the same key as it is, else empties the folder,
 * lets the method write, and writes the manifest last, so that a manifest means a complete backup.
 */
export async function createBackup(job: BackupJob): Promise<BackupManifest> {
  const { method, access, key, directory } = job;
  // A manifest that can't be read belongs to no backup worth keeping.
  const earlier = await readManifest(directory).catch(() => null);
  if (
    earlier !== null &&
    earlier.key === key &&
    earlier.method === method &&
    (await findDamage(directory, earlier)) === null &&
    (await job.stillThere(earlier))
  )
    return earlier;
  await emptyFolder(directory);
  const { serverVersion } = await databaseSize(access);
  const takenAt = toIso(job.clock.now());
  const written = await job.write();
  const { files, location, bytes, rows, schemaDigest } = written;
  const manifest: BackupManifest = {
    schema: 'slipway.backup/1',
    key,
    method,
    database: access.name,
    serverVersion,
    takenAt,
    files,
    location,
    bytes,
    rows,
    schemaDigest,
  };
  await writeManifest(directory, manifest);
  return manifest;
}
