import { join } from 'node:path';

/**
 * The checked-out source of one release: builds, tests and scans run here. Each try of the build has its own (`source-12-1`), so that a
 * worker that wakes up late checks nothing out over what a newer one builds; the name is among the facts of the build.
 */
export function sourceFolder(home: string, release: string, name = 'source'): string {
  return join(home, 'releases', release, name);
}

/** The backup of one release. */
export function backupFolder(home: string, release: string): string {
  return join(home, 'releases', release, 'backup');
}

/** An artifact's manifest lies beside its folder, so that the folder holds exactly what was built. */
export function artifactManifest(folder: string): string {
  return `${folder}.json`;
}
