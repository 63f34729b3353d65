import { join } from 'node:path';

/** The checked-out source of one release: builds, tests and scans run here. */
export function sourceFolder(home: string, release: string): string {
  return join(home, 'releases', release, 'source');
}

/** The backup of one release. */
export function backupFolder(home: string, release: string): string {
  return join(home, 'releases', release, 'backup');
}

/** An artifact's manifest lies beside its folder, so that the folder holds exactly what was built. */
export function artifactManifest(folder: string): string {
  return `${folder}.json`;
}
