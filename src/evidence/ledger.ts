import canonicalize from 'canonicalize';
import type { Check } from '../kernel/index.ts';
import { fingerprint, rawLogKey, sha256, signText } from './adapters/crypto.ts';
import { appendFact, checkChain as checkChainWith, type LedgerFact } from './core/chain.ts';
import { checkpointText, formatNote, isOrigin, logKeyId, type Checkpoint } from './core/checkpoint.ts';
import { buildTree, type MerkleTree } from './core/merkle.ts';
import type { LedgerEntry, SigningKeys } from './ports.ts';

/**
 * Canonical JSON (RFC 8785).
 * @throws Error for what JSON cannot hold: NaN, a circular reference, a lone surrogate, `undefined`
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('There is no JSON for undefined');
  return text;
}

/** The ledger entry that follows `previous`; null starts a ledger. `time` is ISO 8601 UTC with ms. */
export function nextEntry(previous: LedgerEntry | null, fact: LedgerFact): LedgerEntry {
  return appendFact({ sha256, canonical: canonicalJson }, previous, fact);
}

/** Are the entries one unbroken chain from seq 0? An empty list is `fail`. Says nothing about a cut tail. */
export function checkChain(entries: readonly LedgerEntry[]): Check {
  return checkChainWith(sha256, entries);
}

/** The Merkle tree (RFC 6962) over ledger lines. */
export function ledgerTree(entries: readonly LedgerEntry[]): MerkleTree {
  return buildTree(
    sha256,
    entries.map((entry) => Buffer.from(entry.line, 'utf8')),
  );
}

/** Signs the state of a log as a C2SP note; the same state and key give the same text. */
export function signCheckpoint(checkpoint: Checkpoint, key: SigningKeys['log']): string {
  if (!isOrigin(checkpoint.origin)) throw new Error(`"${checkpoint.origin}" cannot name a log`);
  const text = checkpointText(checkpoint);
  const keyId = logKeyId(sha256, checkpoint.origin, rawLogKey(key.publicPem));
  return formatNote(text, checkpoint.origin, keyId, signText(key.privatePem, text));
}

/** What to pin outside: the fingerprints of both public keys. */
export function keyFingerprints(keys: SigningKeys): { readonly pack: string; readonly log: string } {
  return { pack: fingerprint(keys.pack.publicPem), log: fingerprint(keys.log.publicPem) };
}
