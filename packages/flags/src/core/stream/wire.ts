import type { Flag, FlagSet, Segment } from '../definition.ts';

/** Stands before a payload when it is signed, so that a signature made for something else never counts here. */
export const SIGNED_PREFIX = 'slipway-flags-v1\n';

/** What travels: the text of a document, and who vouches for it. `docs/flags/protocol.md` is the description. */
export interface Envelope {
  /** JSON text of a {@link SnapshotDocument} or {@link DeltaDocument}, as it was signed. */
  readonly payload: string;
  /** Ed25519 over {@link SIGNED_PREFIX} and the payload's UTF-8 bytes; base64. */
  readonly signature: string;
  /** The public key: `ed25519:` and the base64 of its 32 bytes. */
  readonly key: string;
}

/** All flags at `seq`. */
export interface SnapshotDocument extends FlagSet {
  readonly kind: 'snapshot';
  /** Keys that may sign from now on, the one that signed this among them; for clients that trust what they saw first. */
  readonly keys: readonly string[];
  /** Another one for other keys, and for another past of the flags. The `ETag` of a snapshot is `"SEQ-TAG"`, so that a client that came to a `seq` by deltas can name the snapshot it does not need. */
  readonly tag: string;
}

/** One change: from the flags at `previous` to those at `seq`. */
export interface DeltaDocument {
  readonly kind: 'delta';
  readonly format: 1;
  readonly environment: string;
  readonly seq: number;
  readonly previous: number;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly removedFlags: readonly string[];
  readonly segments: Readonly<Record<string, Segment>>;
  readonly removedSegments: readonly string[];
  /** Every client is asked to say that it has applied this. */
  readonly acknowledge: boolean;
}

export type Document = SnapshotDocument | DeltaDocument;

/** Where a client is, as it says in `Last-Event-ID`: a `seq` alone could be of another past. */
export function positionOf(seq: number, tag: string): string {
  return `${seq}-${tag}`;
}

/** The entity tag of the snapshot at `seq`. */
export function snapshotEtag(seq: number, tag: string): string {
  return `"${positionOf(seq, tag)}"`;
}

/** Reads an envelope; null when the text is none. It says nothing about the signature. */
export function parseEnvelope(text: string): Envelope | null {
  const found = parseObject(text);
  if (found === null) return null;
  const { payload, signature, key } = found;
  return typeof payload === 'string' && typeof signature === 'string' && typeof key === 'string' ? { payload, signature, key } : null;
}

/**
 * Reads the payload of an envelope whose signature was verified; null when it is no document of this format. What is inside of a flag
 * is the evaluator's to judge.
 */
export function parseDocument(payload: string): Document | null {
  const found = parseObject(payload);
  if (found === null || !isOfFormat(found)) return null;
  if (found['kind'] === 'snapshot' && isTexts(found['keys']) && typeof found['tag'] === 'string')
    return found as unknown as SnapshotDocument;
  return isDelta(found) ? (found as unknown as DeltaDocument) : null;
}

function isOfFormat(found: Record<string, unknown>): boolean {
  const { format, environment, seq, flags, segments } = found;
  return format === 1 && typeof environment === 'string' && isSeq(seq) && isRecord(flags) && isRecord(segments);
}

function isDelta({ kind, previous, removedFlags, removedSegments, acknowledge }: Record<string, unknown>): boolean {
  return kind === 'delta' && isSeq(previous) && isTexts(removedFlags) && isTexts(removedSegments) && typeof acknowledge === 'boolean';
}

/** A public key's 32 bytes in base64, from its name; null when it is no Ed25519 key of this form. */
export function keyBytes(key: string): string | null {
  return /^ed25519:([A-Za-z0-9+/]{43}=)$/.exec(key)?.[1] ?? null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const found: unknown = JSON.parse(text);
    return isRecord(found) ? found : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isSeq(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
