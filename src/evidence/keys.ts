import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, SlipwayError } from '../kernel/index.ts';
import { kindOf, type KeyKind } from './adapters/crypto.ts';
import { PEM, readOrCreateKeyFile } from './key-file.ts';
import type { SigningKeys } from './ports.ts';

/** Both private keys in one file (PKCS#8 PEM), so that there is no moment at which only one of them exists. */
const KEY_FILE = 'signing-keys.pem';

/**
 * The signing keys of this installation, kept in `directory` (mode 0600). Made on first use; of two processes that
 * make them at once, both get the same.
 * @throws SlipwayError `state_corrupt` when the file is not readable as two keys, or others may read it
 */
export function loadOrCreateKeys(directory: string): SigningKeys {
  const text = readOrCreateKeyFile(directory, KEY_FILE, makeKeys);
  try {
    const keys = [...text.matchAll(PEM)].map(([pem]) => createPrivateKey(pem));
    if (keys.length !== 2) throw new Error(`it holds ${keys.length} keys`);
    return { pack: pick(keys, 'pack'), log: pick(keys, 'log') };
  } catch (error) {
    const file = join(directory, KEY_FILE);
    throw new SlipwayError('state_corrupt', `${file} does not hold the two signing keys: ${messageOf(error)}`, { hint: RECOVERY });
  }
}

const RECOVERY =
  'Restore the file from a backup. If it is lost, move it aside: new keys are made, and whoever pinned the old fingerprint must pin the new one.';

function makeKeys(): string {
  const pair = [generateKeyPairSync('ec', { namedCurve: 'prime256v1' }), generateKeyPairSync('ed25519')];
  return pair.map(({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()).join('');
}

function pick(keys: readonly KeyObject[], kind: KeyKind): SigningKeys[KeyKind] {
  const key = keys.find((candidate) => kindOf(candidate) === kind);
  if (key === undefined) throw new Error(`the ${kind} key is missing`);
  const publicPem = createPublicKey(key).export({ type: 'spki', format: 'pem' });
  return { privatePem: key.export({ type: 'pkcs8', format: 'pem' }).toString(), publicPem: publicPem.toString() };
}
