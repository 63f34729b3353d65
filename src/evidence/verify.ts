import { joinVerdicts, messageOf, type Check, type Verdict } from '../kernel/index.ts';
import { openPack, type PackReader } from './adapters/pack-reader.ts';
import { checkFileSet, checkProofFiles, checkSums, checkSumsSignature } from './verify/files.ts';
import { checkKeys, checkPackKey } from './verify/keys.ts';
import { checkCheckpoint, checkEvents, checkInclusion, checkLogs, checkSummary } from './verify/ledger.ts';
import { checkProof } from './verify/proof.ts';
import { checkStatement } from './verify/statement.ts';
import { PACK, PROOF } from './core/layout.ts';
import { printable, type Answer } from './verify/answer.ts';
import type { Pins } from './ports.ts';

/** The answer about a pack: every check with its reason, in the order of `docs/evidence.md`. */
export interface PackVerification {
  readonly kind: 'pack' | 'proof';
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
}

const FIX = 'Do not trust this pack; get it again from its owner, or export it again from the ledger and compare.';

type Named = readonly [name: string, ask: (pack: PackReader, pins: Pins) => Promise<Answer>];

/** All checks. Each reads what it needs itself and stands alone, so one broken part never hides another. */
const CHECKS: readonly Named[] = [
  ['file set', checkFileSet],
  ['sums', checkSums],
  ['sums signature', checkSumsSignature],
  ['statement', checkStatement],
  ['chain', checkEvents],
  ['checkpoint', checkCheckpoint],
  ['inclusion proofs', checkInclusion],
  ['logs', checkLogs],
  ['summary', checkSummary],
  ['keys', checkKeys],
];

/** The same for the proof of a database change. */
const PROOF_CHECKS: readonly Named[] = [
  ['file set', checkProofFiles],
  ['sums', checkSums],
  ['sums signature', checkSumsSignature],
  ['proof', checkProof],
  ['keys', checkPackKey],
];

/**
 * Verifies an exported pack offline, or a proof of `db prove`: a folder without a ledger and with a proof. Never throws for what is in the pack: a part that cannot be read is a failed check.
 * A pack whose keys are not pinned from outside is `unknown` at best.
 * @throws Error when `directory` cannot be listed at all
 */
export async function verifyPack(directory: string, options: { readonly pins: Pins }): Promise<PackVerification> {
  const pack = await openPack(directory);
  const kind = pack.files.includes(PROOF) && !pack.files.includes(PACK.events) ? 'proof' : 'pack';
  const checks: Check[] = [];
  for (const [name, ask] of kind === 'proof' ? PROOF_CHECKS : CHECKS) {
    const answer = await ask(pack, options.pins).catch((error: unknown): Answer => ({
      verdict: 'fail',
      reason: printable(messageOf(error)),
    }));
    checks.push({ name, ...answer, ...(answer.verdict === 'pass' ? {} : { fix: answer.fix ?? FIX }) });
  }
  return { kind, verdict: joinVerdicts(checks.map(({ verdict }) => verdict)), checks };
}
