import { createHash } from 'node:crypto';
import { chownSync, lstatSync, mkdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';

/** Only names the socket file; nothing listens on a TCP port. */
export const SOCKET_PORT = 5432;
export const SOCKET_NAME = `.s.PGSQL.${SOCKET_PORT}`;

/** sockaddr_un.sun_path holds 108 bytes with its final zero (unix(7)). */
const LONGEST_SOCKET_PATH = 107;

/**
 * The short folder of the server's socket, one per user and state directory.
 * @throws SlipwayError `platform_unsupported` when no folder is short enough
 */
export function socketDirectory(home: string): string {
  const name = `slipway-${process.getuid?.() ?? 0}-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`;
  const fitting = [tmpdir(), '/tmp']
    .map((parent) => join(parent, name))
    .find((path) => Buffer.byteLength(join(path, SOCKET_NAME)) <= LONGEST_SOCKET_PATH);
  if (fitting !== undefined) return fitting;
  throw new SlipwayError('platform_unsupported', `The temporary folder ${tmpdir()} is too deep for a unix socket`, {
    hint: 'Set TMPDIR to a shorter path such as /tmp.',
  });
}

/** Makes the folder for a server of this user, unless it is there and ours alone. */
export function secureSocketDirectory(path: string, owner: number): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    if (process.getuid?.() === 0 && owner !== 0) chownSync(path, owner, owner);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    checkSocketDirectory(path, owner);
  }
}

/** Leaves nothing in the temporary folder once nobody listens there any more. */
export function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Something is in it, or somebody was quicker.
  }
}

/**
 * Checks that a folder found is ours alone, before anything in it is believed: whoever may write to it could pose as the server.
 * @throws SlipwayError `state_corrupt` when it is a link, belongs to somebody else, or is open to others
 */
export function checkSocketDirectory(path: string, owner: number): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined || isOursAlone(path, owner)) return;
  throw new SlipwayError(
    'state_corrupt',
    `The folder ${path} for PostgreSQL's socket is not safe: it must be a real folder of user id ${owner} that nobody else can enter`,
    {
      hint: `Look who made it, remove it (rm -r ${path}), and try again.`,
    },
  );
}

/** Is the folder there, a real one of this user, and closed to all others? */
export function isOursAlone(path: string, owner: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || process.getuid === undefined) return found !== undefined;
  return found.isDirectory() && found.uid === owner && (found.mode & 0o077) === 0;
}
