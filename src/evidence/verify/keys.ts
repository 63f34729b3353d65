import { fingerprint, rawLogKey, readPublicKey, sha256 } from '../adapters/crypto.ts';
import type { PackReader } from '../adapters/pack-reader.ts';
import { logVerifierKey } from '../core/checkpoint.ts';
import { PACK } from '../core/layout.ts';
import type { Pins } from '../ports.ts';
import { answerOf, type Answer } from './answer.ts';
import { readCheckpoint } from './ledger.ts';

/** The key a proof is signed with is one the verifier got elsewhere; unknown when it got none. */
export async function checkPackKey(pack: PackReader, pins: Pins): Promise<Answer> {
  const pem = await pack.text(PACK.packKey);
  readPublicKey('pack', pem);
  const claimed = fingerprint(pem);
  if (pins.pack.length > 0)
    return answerOf(pins.pack.includes(claimed) ? [] : [`the pack key is ${claimed}, which is not pinned`], 'the key is the pinned one');
  return { ...NOT_PINNED, reason: `the key came from the folder itself (pack key ${claimed})` };
}

/** The keys in the pack are those whose fingerprints the verifier got elsewhere; unknown when it got none. */
export async function checkKeys(pack: PackReader, pins: Pins): Promise<Answer> {
  const [packPem, logPem] = [await pack.text(PACK.packKey), await pack.text(PACK.logKey)];
  readPublicKey('pack', packPem);
  readPublicKey('log', logPem);
  const claimed = { pack: fingerprint(packPem), log: fingerprint(logPem) };
  const { origin } = await readCheckpoint(pack);
  const verifierKey = `${logVerifierKey(sha256, origin, rawLogKey(logPem))}\n`;
  const problems = [
    ...(pins.pack.length > 0 && !pins.pack.includes(claimed.pack) ? [`the pack key is ${claimed.pack}, which is not pinned`] : []),
    ...(pins.log.length > 0 && !pins.log.includes(claimed.log) ? [`the log key is ${claimed.log}, which is not pinned`] : []),
    ...((await pack.text(PACK.logVerifierKey)) === verifierKey ? [] : [`${PACK.logVerifierKey} is not ${PACK.logKey} in the other form`]),
  ];
  if (problems.length > 0 || pins.pack.length > 0) return answerOf(problems, 'the keys are the pinned ones');
  return { ...NOT_PINNED, reason: `keys came from the pack itself (pack key ${claimed.pack})` };
}

const NOT_PINNED = {
  verdict: 'unknown',
  fix: 'Get the fingerprint of the pack key from its owner by another way, and pass it with --pin.',
} as const;
