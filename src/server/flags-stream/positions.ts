import { deltaDocument, eventFrame, positionOf, type FlagChange, type Signer } from '../../flags/index.ts';
import type { Snapshot } from '../http/mount.ts';

/** Of a snapshot and of what follows it: of one past, and one set of keys. */
export function tagOf({ history }: Pick<Snapshot, 'history'>, { tag }: Signer): string {
  return `${tag}.${history}`;
}

/** The `seq` of a position of this tag; null for any other, which says nothing here although its number may be known. */
export function seqOf(position: string | null, tag: string): number | null {
  const seq = Number(/^\d{1,15}/.exec(position ?? '')?.[0] ?? Number.NaN);
  return position === positionOf(seq, tag) ? seq : null;
}

export function acknowledgeFrame(seq: number): Buffer {
  return eventFrame('acknowledge', JSON.stringify({ seq }));
}

export function deltaFrame(change: FlagChange, of: Pick<Snapshot, 'history'>, signer: Signer): Buffer {
  return eventFrame('delta', signer.sign(deltaDocument(change)), positionOf(change.seq, tagOf(of, signer)));
}
