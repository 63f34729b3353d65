import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { closeSync, fchmodSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SlipwayError } from '../kernel/index.ts';
import { kindOf, type KeyKind } from './adapters/crypto.ts';
import type { SigningKeys } from './ports.ts';

/** Both private keys in one file (PKCS#8 PEM), so that there is no moment at which only one of them exists. */
const KEY_FILE = 'signing-keys.pem';

const PEM = /-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{1,4096}\n-----END PRIVATE KEY-----\n/g;

/**
 * The signing keys of this installation, kept in `directory` (mode 0600). Made on first use; of two processes that
 * make them at once, both get the same.
 * @throws SlipwayError `state_corrupt` when the file is not readable as two keys, or others may read it
 */
export function loadOrCreateKeys(directory: string): SigningKeys {
  const file = join(directory, KEY_FILE);
  const found = readKeyFile(file) ?? createKeyFile(directory, file);
  try {
    const keys = [...found.matchAll(PEM)].map(([pem]) => createPrivateKey(pem));
    if (keys.length !== 2) throw new Error(`it holds ${keys.length} keys`);
    return { pack: pick(keys, 'pack'), log: pick(keys, 'log') };
  } catch (error) {
    throw new SlipwayError('state_corrupt', `${file} does not hold the two signing keys: ${messageOf(error)}`, { hint: RECOVERY });
  }
}

const RECOVERY =
  'Restore the file from a backup. If it is lost, move it aside: new keys are made, and whoever pinned the old fingerprint must pin the new one.';

function pick(keys: readonly KeyObject[], kind: KeyKind): SigningKeys[KeyKind] {
  const key = keys.find((candidate) => kindOf(candidate) === kind);
  if (key === undefined) throw new Error(`the ${kind} key is missing`);
  const publicPem = createPublicKey(key).export({ type: 'spki', format: 'pem' });
  return { privatePem: key.export({ type: 'pkcs8', format: 'pem' }).toString(), publicPem: publicPem.toString() };
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
function createKeyFile(directory: string, file: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const pair = [generateKeyPairSync('ec', { namedCurve: 'prime256v1' }), generateKeyPairSync('ed25519')];
  const text = pair.map(({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()).join('');
  try {
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
    if (winner === null) throw error;
    return winner;
  } finally {
    rmSync(draft, { force: true });
  }
}
