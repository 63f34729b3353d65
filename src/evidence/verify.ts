import { joinVerdicts, messageOf, type Check, type Verdict } from '../kernel/index.ts';
import { openPack, type PackReader } from './adapters/pack-reader.ts';
import { checkFileSet, checkSums, checkSumsSignature } from './verify/files.ts';
import { checkKeys } from './verify/keys.ts';
import { checkCheckpoint, checkEvents, checkInclusion, checkLogs, checkSummary } from './verify/ledger.ts';
import { checkStatement } from './verify/statement.ts';
import { printable, type Answer } from './verify/answer.ts';
import type { Pins } from './ports.ts';

/** The answer about a pack: every check with its reason, in the order of `docs/evidence.md`. */
export interface PackVerification {
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
}

const FIX = 'Do not trust this pack; get it again from its owner, or export it again from the ledger and compare.';

/** All checks. Each reads what it needs itself and stands alone, so one broken part never hides another. */
const CHECKS: readonly (readonly [name: string, ask: (pack: PackReader, pins: Pins) => Promise<Answer>])[] = [
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

/**
 * Verifies an exported pack offline. Never throws for what is in the pack: a part that cannot be read is a failed check.
 * A pack whose keys are not pinned from outside is `unknown` at best.
 * @throws Error when `directory` cannot be listed at all
 */
export async function verifyPack(directory: string, options: { readonly pins: Pins }): Promise<PackVerification> {
  const pack = await openPack(directory);
  const checks: Check[] = [];
  for (const [name, ask] of CHECKS) {
    const answer = await ask(pack, options.pins).catch((error: unknown): Answer => ({
      verdict: 'fail',
      reason: printable(messageOf(error)),
    }));
    checks.push({ name, ...answer, ...(answer.verdict === 'pass' ? {} : { fix: answer.fix ?? FIX }) });
  }
  return { verdict: joinVerdicts(checks.map(({ verdict }) => verdict)), checks };
}
