import type { FlagSet } from '../definition.ts';
import type { DeltaDocument, Document, SnapshotDocument } from './wire.ts';

/** Why a client keeps what it has instead of what it was sent. */
export type Refusal = 'malformed' | 'forged' | 'unknown-key' | 'foreign-environment' | 'rolled-back';

/** What to do with a document: `gap` means that the whole must be asked for, `known` that there is nothing new in it. */
export type Judgement =
  | { readonly kind: 'apply'; readonly set: FlagSet }
  | { readonly kind: 'known' }
  | { readonly kind: 'gap' }
  | { readonly kind: 'refuse'; readonly why: Refusal };

export interface Known {
  /** What the client evaluates now; null: nothing that came from a server. */
  readonly set: FlagSet | null;
  /** The environment it serves; null: whichever it meets first. */
  readonly environment: string | null;
  /**
   * The `seq` it had when it asked; a snapshot older than this goes back in time, one between this and now was only overtaken.
   * Null for what was pushed: an older snapshot may have been overtaken on its way, and the whole must be asked for to know.
   */
  readonly askedAt: number | null;
  /** What the server did before is not what led here, so that no change of it can be applied. */
  readonly forked: boolean;
}

/** Judges a document whose signature was verified. */
export function judge(document: Document, known: Known): Judgement {
  if (known.environment !== null && document.environment !== known.environment) return { kind: 'refuse', why: 'foreign-environment' };
  return document.kind === 'snapshot' ? judgeSnapshot(document, known) : judgeDelta(document, known);
}

function judgeSnapshot(document: SnapshotDocument, { set, askedAt }: Known): Judgement {
  if (set === null || document.seq >= set.seq) return { kind: 'apply', set: setOf(document) };
  if (askedAt === null) return { kind: 'gap' };
  return document.seq >= askedAt ? { kind: 'known' } : { kind: 'refuse', why: 'rolled-back' };
}

function judgeDelta(document: DeltaDocument, { set, forked }: Known): Judgement {
  if (document.seq <= document.previous) return { kind: 'refuse', why: 'malformed' };
  if (set === null || forked || document.previous > set.seq) return { kind: 'gap' };
  // The whole was asked for meanwhile, and was newer.
  if (document.seq <= set.seq) return { kind: 'known' };
  return document.previous === set.seq ? { kind: 'apply', set: applyDelta(set, document) } : { kind: 'gap' };
}

function setOf({ format, environment, seq, flags, segments }: SnapshotDocument): FlagSet {
  return { format, environment, seq, flags, segments };
}

/** The flags after a change, of those at its `previous`. Copies by own properties: a flag may be called `__proto__`. */
export function applyDelta(set: FlagSet, delta: DeltaDocument): FlagSet {
  return {
    ...set,
    seq: delta.seq,
    flags: changed(set.flags, delta.flags, delta.removedFlags),
    segments: changed(set.segments, delta.segments, delta.removedSegments),
  };
}

function changed<T>(before: Readonly<Record<string, T>>, written: Readonly<Record<string, T>>, removed: readonly string[]) {
  const all: Record<string, T> = { ...before, ...written };
  for (const key of removed) delete all[key];
  return all;
}
