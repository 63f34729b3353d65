import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { LedgerEntry } from '../evidence/index.ts';

/** Stand-in until src/evidence/index.ts exports nextEntry. */
export function nextEntry(
  previous: LedgerEntry | null,
  fact: { readonly time: string; readonly release: string; readonly type: string; readonly actor: string; readonly data: unknown },
): LedgerEntry {
  const seq = previous === null ? 0 : previous.seq + 1;
  const line = canonicalize({ seq, ...fact, prev: previous?.hash ?? '0'.repeat(64) }) ?? '';
  return { seq, line, hash: createHash('sha256').update(line).digest('hex') };
}
