import { isJsonObject, type JsonObject } from '../../kernel/index.ts';
import { fingerprint, readPublicKey, verifyBlob } from '../adapters/crypto.ts';
import type { PackReader } from '../adapters/pack-reader.ts';
import { fromBase64 } from '../core/bytes.ts';
import { PACK } from '../core/layout.ts';
import { deploymentPredicate, PAYLOAD_TYPE, preAuthEncoding, PREDICATE_TYPE, STATEMENT_TYPE } from '../core/statement.ts';
import { canonicalJson } from '../ledger.ts';
import { answerOf, type Answer } from './answer.ts';
import { readCheckpoint, readEventStory } from './ledger.ts';

/** The in-toto statement is signed by the pack's key, is about these files, and says what the ledger says. */
export async function checkStatement(pack: PackReader): Promise<Answer> {
  const pem = await pack.text(PACK.packKey);
  const { payload, keyId, signature } = readEnvelope(await pack.text(PACK.statement));
  const signed = verifyBlob(readPublicKey('pack', pem), preAuthEncoding(PAYLOAD_TYPE, payload), signature);
  const statement: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
  if (!isJsonObject(statement)) throw new Error('the statement is not a JSON object');
  const expected = deploymentPredicate(await readEventStory(pack), await readCheckpoint(pack));
  const problems = [
    ...(signed ? [] : ['the statement is not signed by the pack key']),
    ...(keyId === fingerprint(pem) ? [] : ['the envelope names another key']),
    ...(statement['_type'] === STATEMENT_TYPE && statement['predicateType'] === PREDICATE_TYPE ? [] : ['it is not a deployment statement']),
    ...(await subjectProblems(pack, statement)),
    ...(canonicalJson(statement['predicate'] ?? null) === canonicalJson(expected) ? [] : ['its predicate is not what the ledger says']),
  ];
  return answerOf(problems, 'signed by the pack key, about these files, and as the ledger says');
}

function readEnvelope(text: string): { readonly payload: Uint8Array; readonly keyId: string; readonly signature: Uint8Array } {
  const envelope: unknown = JSON.parse(text);
  const listed = isJsonObject(envelope) ? envelope['signatures'] : null;
  const first: unknown = Array.isArray(listed) && listed.length === 1 ? listed[0] : null;
  if (!isJsonObject(envelope) || !isJsonObject(first)) throw new Error(`${PACK.statement} is not a DSSE envelope with one signature`);
  if (envelope['payloadType'] !== PAYLOAD_TYPE) throw new Error(`${PACK.statement} does not hold an in-toto statement`);
  const payload = fromBase64(textOf(envelope['payload']));
  const signature = fromBase64(textOf(first['sig']));
  if (payload === null || signature === null) throw new Error(`${PACK.statement} is not base64 where it must be`);
  return { payload, keyId: textOf(first['keyid']), signature };
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`${PACK.statement} lacks a field or has another type there`);
  return value;
}

/** The summary and the events must be among the subjects, once, by digest; the others are artifacts outside the pack. */
async function subjectProblems(pack: PackReader, statement: JsonObject): Promise<readonly string[]> {
  const listed = statement['subject'];
  const subjects = Array.isArray(listed) ? listed.filter(isJsonObject) : [];
  const problems: string[] = [];
  for (const name of [PACK.summary, PACK.events]) {
    const [subject, twice] = subjects.filter((candidate) => candidate['name'] === name);
    const digest = isJsonObject(subject?.['digest']) ? subject['digest']['sha256'] : null;
    if (twice !== undefined || digest !== (await pack.digest(name)).sha256) problems.push(`it is not about this ${name}`);
  }
  return problems;
}
