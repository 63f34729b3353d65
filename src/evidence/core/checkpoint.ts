import { utf8 } from '../../kernel/pure.ts';
import { concatBytes, fromBase64, toBase64, toHex, type Sha256 } from './bytes.ts';

/** The state of a log: C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** A checkpoint with one Ed25519 signature: C2SP signed-note (c2sp.org/signed-note). `text` is what was signed. */
export interface SignedCheckpoint extends Checkpoint {
  readonly text: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** Algorithm byte of Ed25519 in a note's key. */
const ED25519 = 1;
const ORIGIN = /^[A-Za-z0-9._/@:-]{1,255}$/;

/** Names a log in checkpoints: one line without blanks or plus signs, which the format uses itself. */
export function isOrigin(text: string): boolean {
  return ORIGIN.test(text);
}

/** The signed part: three lines, each ended by a newline. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** First four bytes of `SHA256(origin || 0x0A || 0x01 || public key)`; tells keys apart, proves nothing. */
export function logKeyId(sha256: Sha256, origin: string, publicKey: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8(`${origin}\n`), Uint8Array.of(ED25519), publicKey)).slice(0, 4);
}

/** The verifier key in the form note tools take: `origin+hex(keyID)+base64(0x01 || public key)`. */
export function logVerifierKey(sha256: Sha256, origin: string, publicKey: Uint8Array): string {
  return `${origin}+${toHex(logKeyId(sha256, origin, publicKey))}+${toBase64(concatBytes(Uint8Array.of(ED25519), publicKey))}`;
}

/** The whole note: text, blank line, signature line. */
export function formatNote(text: string, origin: string, keyId: Uint8Array, signature: Uint8Array): string {
  return `${text}\n\u2014 ${origin} ${toBase64(concatBytes(keyId, signature))}\n`;
}

const NOTE = /^(?<origin>[^\n]+)\n(?<size>0|[1-9]\d{0,14})\n(?<root>[^\n]+)\n\n\u2014 (?<signer>[^\n ]+) (?<signed>[^\n ]+)\n$/;

/** Reads a note as {@link formatNote} writes it; null for anything else (signatures are checked elsewhere). */
export function parseNote(note: string): SignedCheckpoint | null {
  const { origin = '', size, root: root64 = '', signer, signed: signed64 = '' } = NOTE.exec(note)?.groups ?? {};
  if (!isOrigin(origin) || signer !== origin) return null;
  const root = fromBase64(root64);
  const signed = fromBase64(signed64);
  if (root?.length !== 32 || signed?.length !== 68) return null;
  const checkpoint = { origin, size: Number(size), root };
  return { ...checkpoint, text: checkpointText(checkpoint), keyId: signed.slice(0, 4), signature: signed.slice(4) };
}
