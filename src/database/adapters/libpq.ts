import { access as mayUse, constants, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { secretsOf } from '../errors.ts';
import type { DatabaseAccess } from '../ports.ts';

/** Parameters libpq knows; the driver's own (`uselibpqcompat`, `ssl`) would make it refuse the whole URL. */
const KNOWN = new Set([
  'host',
  'port',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslcrl',
  'sslnegotiation',
  'channel_binding',
  'gssencmode',
  'krbsrvname',
  'connect_timeout',
  'options',
  'target_session_attrs',
  'user',
]);

/** A connection for PostgreSQL's own programs: the URL without its password as an argument, the password in the environment. */
export function libpqConnection(access: DatabaseAccess): {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
} {
  const url = new URL(access.url);
  const password = url.searchParams.get('password') ?? decodeURIComponent(url.password);
  url.password = '';
  for (const name of [...url.searchParams.keys()]) if (!KNOWN.has(name)) url.searchParams.delete(name);
  if (url.searchParams.get('sslmode') === 'no-verify') url.searchParams.set('sslmode', 'require');
  // "+" for a space is a form's habit; libpq reads it as a plus sign.
  url.search = url.search.replaceAll('+', '%20');
  return {
    url: url.toString(),
    // In English, so that a full disk can be told from a damaged dump.
    env: { PGAPPNAME: 'slipway backup', LC_ALL: 'C', ...(password === '' ? {} : { PGPASSWORD: password }) },
    secrets: secretsOf(access),
  };
}

/** PostgreSQL's client programs of one version. */
export interface ClientTools {
  readonly major: number;
  readonly pgDump: string;
  readonly pgRestore: string;
}

const run = promisify(execFile);
const DEBIAN = '/usr/lib/postgresql';

/** All installed client programs, found on PATH and in Debian's folders, the newest first. */
export async function findClientTools(folders: readonly string[] | undefined): Promise<readonly ClientTools[]> {
  const searched = folders ?? [...(process.env['PATH'] ?? '').split(':').filter((folder) => folder !== ''), ...(await debianFolders())];
  const seen = new Set<string>();
  const found: ClientTools[] = [];
  for (const folder of searched) {
    const resolved = await realpath(folder).catch(() => null);
    if (resolved === null || seen.has(resolved)) continue;
    seen.add(resolved);
    const tools = await toolsIn(folder);
    if (tools !== null) found.push(tools);
  }
  return found.toSorted((a, b) => b.major - a.major);
}

async function debianFolders(): Promise<readonly string[]> {
  const versions = await readdir(DEBIAN).catch(() => []);
  return versions.map((version) => join(DEBIAN, version, 'bin'));
}

/** Debian's /usr/bin/pg_dump is a wrapper that picks a version by itself, so the program is asked what it is. */
async function toolsIn(folder: string): Promise<ClientTools | null> {
  const [pgDump, pgRestore] = [join(folder, 'pg_dump'), join(folder, 'pg_restore')];
  try {
    await mayUse(pgDump, constants.X_OK);
    await mayUse(pgRestore, constants.X_OK);
    const { stdout } = await run(pgDump, ['--version'], { timeout: 10_000 });
    const major = Number(/\b(\d+)(?:\.\d+|devel|beta\d+|rc\d+)/.exec(stdout)?.[1]);
    return Number.isInteger(major) ? { major, pgDump, pgRestore } : null;
  } catch {
    return null;
  }
}
