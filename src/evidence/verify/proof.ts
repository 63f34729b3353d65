import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/index.ts';
import type { PackReader } from '../adapters/pack-reader.ts';
import { PROOF } from '../core/layout.ts';
import { answerOf, type Answer } from './answer.ts';

/** The proof is one, and names the raw log beside it by its digest; its verdict is what its cells say. */
export async function checkProof(pack: PackReader): Promise<Answer> {
  const proof = JSON.parse(await pack.text(PROOF)) as JsonValue;
  if (!isJsonObject(proof) || proof['schema'] !== 'slipway.proof/1') return answerOf([`${PROOF} is no proof that is known here`], '');
  const log = proof['log'];
  const { name = null, sha256 = null } = isObject(log) ? log : {};
  const found = typeof name === 'string' && pack.files.includes(name) ? (await pack.digest(name)).sha256 : null;
  const cells = cellsOf(proof);
  const told = joined(cells.filter(({ required }) => required === true));
  return answerOf(
    [
      ...(found !== null && found === sha256 ? [] : ['the raw log is not the one that the proof names']),
      ...(told === proof['verdict'] ? [] : [`its cells say ${told}, the proof says ${JSON.stringify(proof['verdict'])}`]),
    ],
    `${cells.length} cells, verdict ${told}, and their raw log`,
  );
}

const isObject = (value: JsonValue | undefined): value is JsonObject => value !== undefined && isJsonObject(value);

function cellsOf({ cells }: JsonObject): readonly JsonObject[] {
  return Array.isArray(cells) ? (cells as readonly JsonValue[]).filter(isJsonObject) : [];
}

/** Recomputed here, as a verifier shares nothing with the writer. */
function joined(cells: readonly JsonObject[]): 'pass' | 'fail' | 'unknown' {
  if (cells.some(({ verdict }) => verdict === 'fail')) return 'fail';
  return cells.length > 0 && cells.every(({ verdict }) => verdict === 'pass') ? 'pass' : 'unknown';
}
