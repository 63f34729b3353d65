import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, placeRefusal, SlipwayError } from '../kernel/index.ts';

/** A private key in PKCS#8 PEM, as it stands in a key file. */
export const PEM = /-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{1,4096}\n-----END PRIVATE KEY-----\n/g;

/**
 * The text of a file of private keys, for the owner alone (mode 0600). Written by `make` on first use; of two processes that make it at
 * once, both get the same.
 * @throws SlipwayError `state_corrupt` when it cannot be read, or others may read it; `state_unwritable` when it cannot be made
 */
export function readOrCreateKeyFile(directory: string, name: string, make: () => string): string {
  const file = join(directory, name);
  return readKeyFile(file) ?? createKeyFile(directory, file, make());
}

function readKeyFile(file: string): string | null {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new SlipwayError('state_corrupt', `${file} cannot be read: ${messageOf(error)}`);
  }
  try {
    const status = fstatSync(handle);
    if (!status.isFile()) throw new SlipwayError('state_corrupt', `${file} is not a file`);
    if (process.platform !== 'win32' && (status.mode & 0o077) !== 0) {
      throw new SlipwayError('state_corrupt', `Others may read the signing keys in ${file}`, {
        hint: `Run: chmod 600 ${file}. If someone may have read it, move it aside so that new keys are made.`,
      });
    }
    return readFileSync(handle, 'utf8');
  } finally {
    closeSync(handle);
  }
}

/** Writes a complete file beside it, then links it to its name: link refuses to replace, so the first writer wins. */
function createKeyFile(directory: string, file: string, text: string): string {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const handle = openSync(draft, 'wx', 0o600);
    try {
      fchmodSync(handle, 0o600);
      writeFileSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    linkSync(draft, file);
    return text;
  } catch (error) {
    const winner = (error as NodeJS.ErrnoException).code === 'EEXIST' ? readKeyFile(file) : null;
    if (winner === null) throw placeRefusal(`The signing keys in ${file} cannot be made`, error);
    return winner;
  } finally {
    rmSync(draft, { force: true });
  }
}
