import type { About, Flag, FlagSet } from '../../../packages/flags/src/core/definition.ts';
import type { DeltaDocument, SnapshotDocument } from '../../../packages/flags/src/core/stream/wire.ts';
import type { FlagChange, FlagWrite } from '../ports.ts';
import type { Signer } from './signer.ts';

/** Nobody needs to know a flag's owner to evaluate it. */
const NOTHING: About = { name: '', description: '', owner: '', tags: [], createdAt: '', expiresAt: null };

const sent = (flag: Flag): Flag => ({ ...flag, about: NOTHING });

/** The flags of an environment as clients are sent them. */
export function snapshotDocument(set: FlagSet, { keys, tag }: Pick<Signer, 'keys' | 'tag'>): SnapshotDocument {
  const flags = Object.fromEntries(Object.entries(set.flags).map(([key, flag]) => [key, sent(flag)]));
  const { format, environment, seq, segments } = set;
  return { kind: 'snapshot', format, environment, seq, flags, segments, keys, tag };
}

/** A change as clients are sent it. */
export function deltaDocument({ environment, seq, acknowledge, writes }: FlagChange): DeltaDocument {
  const flags = writes.filter((write) => write.kind === 'flag');
  const segments = writes.filter((write) => write.kind === 'segment');
  return {
    kind: 'delta',
    format: 1,
    environment,
    seq,
    previous: seq - 1,
    flags: Object.fromEntries(flags.flatMap(({ key, after }) => (after === null ? [] : [[key, sent(after)]]))),
    removedFlags: removed(flags),
    segments: Object.fromEntries(segments.flatMap(({ key, after }) => (after === null ? [] : [[key, after]]))),
    removedSegments: removed(segments),
    acknowledge,
  };
}

function removed(writes: readonly FlagWrite[]): readonly string[] {
  return writes.flatMap(({ key, after }) => (after === null ? [key] : []));
}
