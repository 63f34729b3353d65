import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { SIGNED_PREFIX, type Document, type Envelope } from '../../../packages/flags/src/core/stream/wire.ts';
import { canonicalJson, PEM, readOrCreateKeyFile } from '../../evidence/index.ts';
import { messageOf, SlipwayError } from '../../kernel/index.ts';

/** PKCS#8 PEM, one key after the other. The first one signs; the others are told to clients, so that one of them may be next. */
const KEY_FILE = 'flags-signing-keys.pem';

export interface Signer {
  /** `ed25519:...`; what a client pins. */
  readonly key: string;
  /** All keys of the file, the signing one first. */
  readonly keys: readonly string[];
  /** Another one for other keys. */
  readonly tag: string;
  /** The envelope's JSON text: canonical, so every process with the same key makes the same bytes of the same document. */
  sign(document: Document): string;
}

/**
 * Signs with the keys kept in `directory`, made on first use (mode 0600). Server processes on several machines need the same file.
 * @throws SlipwayError `state_corrupt` when the file is not readable as Ed25519 keys, or others may read it
 */
export function loadOrCreateSigner(directory: string): Signer {
  const text = readOrCreateKeyFile(directory, KEY_FILE, () =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  try {
    return createSigner([...text.matchAll(PEM)].map(([pem]) => createPrivateKey(pem)));
  } catch (error) {
    throw new SlipwayError('state_corrupt', `${join(directory, KEY_FILE)} does not hold Ed25519 keys: ${messageOf(error)}`, {
      hint: 'Restore the file from a backup. If it is lost, move it aside: a new key is made, and every client must pin it or forget the old one.',
    });
  }
}

/** @throws Error when a key is not Ed25519, or there is none */
export function createSigner(privateKeys: readonly KeyObject[]): Signer {
  const [first] = privateKeys;
  if (first === undefined) throw new Error('it holds no key');
  if (privateKeys.some((key) => key.asymmetricKeyType !== 'ed25519')) throw new Error('it holds a key of another kind');
  const keys = privateKeys.map(nameOf);
  const key = nameOf(first);
  return {
    key,
    keys,
    tag: createHash('sha256').update(keys.join('\n')).digest('base64url').slice(0, 12),
    sign: (document) => {
      const payload = canonicalJson(document);
      const signature = sign(null, Buffer.from(SIGNED_PREFIX + payload, 'utf8'), first).toString('base64');
      return JSON.stringify({ payload, signature, key } satisfies Envelope);
    },
  };
}

/** The 32 bytes of an Ed25519 key are the end of its SPKI DER (RFC 8410). */
function nameOf(privateKey: KeyObject): string {
  return `ed25519:${createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')}`;
}
