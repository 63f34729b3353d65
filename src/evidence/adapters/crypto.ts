import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { Sha256 } from '../core/bytes.ts';

/** SHA-256 of the platform. */
export const sha256: Sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** The two kinds of key a pack is signed with: P-256 for files and statement, Ed25519 for the log. */
export type KeyKind = 'pack' | 'log';

/** The kind of a key; null for any other algorithm or curve. */
export function kindOf(key: KeyObject): KeyKind | null {
  if (key.asymmetricKeyType === 'ed25519') return 'log';
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'pack' : null;
}

/**
 * Reads a public key (SPKI PEM) of the expected kind.
 * @throws Error when it is something else; a private key is refused too, it has no place in a pack
 */
export function readPublicKey(kind: KeyKind, pem: string): KeyObject {
  if (!pem.startsWith('-----BEGIN PUBLIC KEY-----')) throw new Error(`the ${kind} key is not a public key in PEM`);
  const key = createPublicKey(pem);
  if (kindOf(key) !== kind) throw new Error(`the ${kind} key is not ${kind === 'pack' ? 'ECDSA on P-256' : 'Ed25519'}`);
  return key;
}

/** `SHA256:` and the base64 of SHA-256 over the key's SPKI DER; what a verifier pins. */
export function fingerprint(publicPem: string): string {
  const der = createPublicKey(publicPem).export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(der).digest('base64')}`;
}

/** The 32 bytes of an Ed25519 public key: the end of its SPKI DER (RFC 8410). */
export function rawLogKey(publicPem: string): Uint8Array {
  return createPublicKey(publicPem).export({ type: 'spki', format: 'der' }).subarray(-32);
}

/** Signs with P-256 over SHA-256; ASN.1 DER, as openssl and cosign read it. */
export function signBlob(privatePem: string, bytes: Uint8Array): Uint8Array {
  return sign('sha256', bytes, { key: privatePem, dsaEncoding: 'der' });
}

export function verifyBlob(publicKey: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', bytes, { key: publicKey, dsaEncoding: 'der' }, signature);
}

/** Signs a checkpoint's text with Ed25519. */
export function signText(privatePem: string, text: string): Uint8Array {
  return sign(null, Buffer.from(text, 'utf8'), privatePem);
}

export function verifyText(publicKey: KeyObject, text: string, signature: Uint8Array): boolean {
  return verify(null, Buffer.from(text, 'utf8'), publicKey, signature);
}
