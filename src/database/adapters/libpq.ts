import { access as mayUse, constants, open, readdir, realpath, stat } from 'node:fs/promises';
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
  const debian = await debianFolders();
  const searched = folders ?? [...(process.env['PATH'] ?? '').split(':').filter((folder) => folder !== ''), ...debian];
  const seen = new Set<string>();
  const asked: Promise<ClientTools | null>[] = [];
  for (const folder of searched) {
    const resolved = await realpath(folder).catch(() => null);
    if (resolved === null || seen.has(resolved)) continue;
    seen.add(resolved);
    asked.push(toolsIn(folder));
  }
  const found = await Promise.all(asked);
  return found.filter((tools) => tools !== null).toSorted((a, b) => b.major - a.major);
}

async function debianFolders(): Promise<readonly string[]> {
  const versions = await readdir(DEBIAN).catch(() => []);
  return versions.map((version) => join(DEBIAN, version, 'bin'));
}

async function toolsIn(folder: string): Promise<ClientTools | null> {
  const [pgDump, pgRestore] = [join(folder, 'pg_dump'), join(folder, 'pg_restore')];
  try {
    await mayUse(pgDump, constants.X_OK);
    await mayUse(pgRestore, constants.X_OK);
    const program = await realpath(pgDump);
    // Debian's wrapper only picks one of the versions whose folders are looked into anyway, and needs longer for it than all of them.
    if (program.endsWith('/pg_wrapper')) return null;
    const major = await majorOf(program);
    return major === null ? null : { major, pgDump, pgRestore };
  } catch {
    return null;
  }
}

/** What programs said of themselves, by their file as it was then: a worker asks several times in each release. */
const known = new Map<string, number | null>();

async function majorOf(program: string): Promise<number | null> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(program, { bigint: true });
  const file = [program, dev, ino, size, mtimeNs, ctimeNs].join(' ');
  const before = known.get(file);
  if (before !== undefined) return before;
  const { stdout } = await run(program, ['--version'], { timeout: 10_000 });
  const found = Number(/\b(\d+)(?:\.\d+|devel|beta\d+|rc\d+)/.exec(stdout)?.[1]);
  const major = Number.isInteger(found) ? found : null;
  // A script may answer otherwise next time although it is the same file.
  if (await isBinary(program)) known.set(file, major);
  return major;
}

async function isBinary(program: string): Promise<boolean> {
  const file = await open(program);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === '\u007fELF';
  } finally {
    await file.close();
  }
}
