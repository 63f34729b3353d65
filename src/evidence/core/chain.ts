import { isJsonObject, utf8, type Check, type JsonValue } from '../../kernel/pure.ts';
import type { LedgerEntry, LedgerRecord } from './record.ts';
import { toHex, type Sha256 } from './bytes.ts';

/** `prev` of the first record. */
export const NO_PREVIOUS = '0'.repeat(64);

/** What the ledger's arithmetic needs from outside: SHA-256 and canonical JSON (RFC 8785), which throws on what JSON cannot hold. */
export interface ChainTools {
  readonly sha256: Sha256;
  readonly canonical: (value: unknown) => string;
}

/** What happened, before it has a place in the ledger. `time` is ISO 8601 UTC with ms. */
export interface LedgerFact {
  readonly time: string;
  readonly release: string;
  readonly type: string;
  readonly actor: string;
  readonly data: JsonValue;
}

/** The ledger line that follows `previous` (null: the first). Integers beyond 2^53 must come as strings. @throws Error for a time of another form, or data JSON cannot hold */
export function appendFact(tools: ChainTools, previous: LedgerEntry | null, fact: LedgerFact): LedgerEntry {
  const seq = previous === null ? 0 : previous.seq + 1;
  const { time, release, type, actor, data } = fact;
  const line = tools.canonical({ seq, time, release, type, actor, data, prev: previous?.hash ?? NO_PREVIOUS } satisfies LedgerRecord);
  if (parseRecord(line) === null) throw new Error(`This is not a ledger record: ${line.slice(0, 200)}`);
  return { seq, line, hash: hashLine(tools.sha256, line) };
}

/** Hex SHA-256 of a line without its newline. */
export function hashLine(sha256: Sha256, line: string): string {
  return toHex(sha256(utf8(line)));
}

/** The record inside a line; null when it does not have exactly a record's shape. */
export function parseRecord(line: string): LedgerRecord | null {
  const value = parseJson(line);
  if (!isJsonObject(value) || Object.keys(value).toSorted().join() !== 'actor,data,prev,release,seq,time,type') return null;
  const { seq, time, release, type, actor, data, prev } = value;
  if (typeof seq !== 'number' || !isIsoTime(time)) return null;
  if (typeof release !== 'string' || typeof type !== 'string' || typeof actor !== 'string') return null;
  return typeof prev === 'string' ? { seq, time, release, type, actor, data, prev } : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function isIsoTime(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) && !Number.isNaN(Date.parse(value));
}

/**
 * Do the lines follow one another, from 0 on, each naming the hash of the one before? Hashes the stored text,
 * never a re-serialised one. A cut tail or a chain rebuilt from scratch passes here: the checkpoint catches those.
 */
export function checkChain(sha256: Sha256, entries: readonly LedgerEntry[]): Check {
  if (entries.length === 0) return { name: 'chain', verdict: 'fail', reason: 'the ledger has no events' };
  let prev = NO_PREVIOUS;
  let release: string | null = null;
  for (const [index, entry] of entries.entries()) {
    const reason = breakAt(sha256, entry, { seq: index, prev, release });
    if (reason !== null) return { name: 'chain', verdict: 'fail', reason: `event ${index}: ${reason}` };
    prev = entry.hash;
    release ??= parseRecord(entry.line)?.release ?? null;
  }
  return { name: 'chain', verdict: 'pass', reason: `${entries.length} events, each naming the hash of the one before` };
}

function breakAt(sha256: Sha256, entry: LedgerEntry, expected: { seq: number; prev: string; release: string | null }): string | null {
  const record = parseRecord(entry.line);
  if (record === null) return 'the line is not a ledger record';
  if (record.seq !== expected.seq || entry.seq !== expected.seq) return `it calls itself ${record.seq}`;
  if (record.prev !== expected.prev) return 'it does not follow the event before it';
  if (expected.release !== null && record.release !== expected.release) return `it belongs to release ${record.release}`;
  return hashLine(sha256, entry.line) === entry.hash ? null : 'its stored hash is not the hash of its line';
}
