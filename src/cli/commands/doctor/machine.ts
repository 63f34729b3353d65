import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, type Check } from '../../../kernel/index.ts';

const TOOL_TIMEOUT_MS = 5_000;
/** Below this, PostgreSQL and backups soon stop. */
const LEAST_FREE_BYTES = 1_000_000_000;

/** Whether this Node can run Slipway; main.ts refuses older ones before anything else. */
export async function checkNode(): Promise<Check> {
  return { name: 'node', verdict: 'pass', reason: `${process.version} at ${process.execPath}` };
}

/** git names the commit of a release. */
export async function checkGit(): Promise<Check> {
  const found = await versionOf('git');
  if (found !== null) return { name: 'git', verdict: 'pass', reason: found };
  return {
    name: 'git',
    verdict: 'fail',
    reason: 'git was not found on the PATH',
    fix: 'Install git: a release names the commit it came from.',
  };
}

/** Backups of a server of one's own need its clients; the embedded one does without. */
export async function checkPostgresTools(): Promise<Check> {
  const found = await Promise.all(
    ['pg_dump', 'pg_restore', 'psql'].map(async (tool) => (await versionOf(tool)) ?? `${tool} is not installed`),
  );
  const missing = found.some((text) => text.endsWith('not installed'));
  return {
    name: 'postgres clients',
    verdict: 'pass',
    reason: `${found.join('; ')}${missing ? '. Needed only to back up a database outside Slipway (Debian: apt install postgresql-client)' : ''}`,
  };
}

function versionOf(tool: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(tool, ['--version'], { timeout: TOOL_TIMEOUT_MS }, (error, stdout) =>
      resolve(error === null ? (stdout.trim().split('\n')[0] ?? '') : null),
    );
  });
}

/** A file can be made there, which permissions alone do not tell (a read-only mount, a quota). */
export function checkWritable(home: string): Check {
  const probe = join(home, `.doctor-${process.pid}`);
  try {
    if (!existsSync(home)) {
      accessSync(nearestOf(home), constants.W_OK | constants.X_OK);
      return { name: 'state directory', verdict: 'pass', reason: `${home} is not there yet; who needs it makes it` };
    }
    accessSync(home, constants.R_OK | constants.X_OK);
    writeFileSync(probe, 'probe');
    rmSync(probe);
    return { name: 'state directory', verdict: 'pass', reason: `${home} is writable` };
  } catch (error) {
    return {
      name: 'state directory',
      verdict: 'fail',
      reason: messageOf(error),
      fix: `Make ${home} writable for this user, or set SLIPWAY_HOME to another folder.`,
    };
  }
}

/** The folder itself, else the first above it that is there. */
function nearestOf(home: string): string {
  return existsSync(home) || dirname(home) === home ? home : nearestOf(dirname(home));
}

/** Free disk beside the state. */
export function checkDisk(home: string): Check {
  const { bavail, bsize } = statfsSync(nearestOf(home));
  const free = bavail * bsize;
  const reason = `${(free / 1e9).toFixed(1)} GB are free`;
  if (free >= LEAST_FREE_BYTES) return { name: 'disk', verdict: 'pass', reason };
  return { name: 'disk', verdict: 'fail', reason, fix: 'Free some space: artifacts, backups and the ledger live there.' };
}
