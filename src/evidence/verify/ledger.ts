import { readPublicKey, rawLogKey, sha256, verifyText } from '../adapters/crypto.ts';
import type { PackReader } from '../adapters/pack-reader.ts';
import { equalBytes } from '../core/bytes.ts';
import { hashLine, parseRecord } from '../core/chain.ts';
import { logKeyId, parseNote, type SignedCheckpoint } from '../core/checkpoint.ts';
import { PACK, PROVEN_TYPES, proofFile, STEPS_FOLDER } from '../core/layout.ts';
import { logDifferences } from '../core/logs.ts';
import { verifyInclusion } from '../core/merkle.ts';
import { parseProof } from '../core/proof.ts';
import { readStory, type Story } from '../core/story.ts';
import { fixedSummary, summaryDifferences } from '../core/summary.ts';
import { canonicalJson, checkChain, ledgerTree } from '../ledger.ts';
import type { LedgerEntry, LedgerRecord } from '../ports.ts';
import { answerOf, type Answer } from './answer.ts';

async function readEntries(pack: PackReader): Promise<readonly LedgerEntry[]> {
  const text = await pack.text(PACK.events);
  if (!text.endsWith('\n')) throw new Error(`${PACK.events} does not end with a newline`);
  const lines = text.slice(0, -1).split('\n');
  return lines.map((line, seq) => ({ seq, line, hash: hashLine(sha256, line) }));
}

function recordsOf(entries: readonly LedgerEntry[]): readonly LedgerRecord[] {
  return entries.map(({ seq, line }) => {
    const record = parseRecord(line);
    if (record === null) throw new Error(`event ${seq}: the line is not a ledger record`);
    return record;
  });
}

/** The story the pack's own events tell. @throws Error when they are not readable */
export async function readEventStory(pack: PackReader): Promise<Story> {
  return readStory(recordsOf(await readEntries(pack)));
}

/** The pack's checkpoint, unverified. @throws Error when it is not one */
export async function readCheckpoint(pack: PackReader): Promise<SignedCheckpoint> {
  const note = parseNote(await pack.text(PACK.checkpoint));
  if (note === null) throw new Error(`${PACK.checkpoint} is not a signed checkpoint`);
  return note;
}

/** The events are one unbroken chain. */
export async function checkEvents(pack: PackReader): Promise<Answer> {
  const { verdict, reason } = checkChain(await readEntries(pack));
  return { verdict, reason };
}

/** The checkpoint is signed by the log's key and is the state of exactly these events. */
export async function checkCheckpoint(pack: PackReader): Promise<Answer> {
  const note = await readCheckpoint(pack);
  const pem = await pack.text(PACK.logKey);
  const { size, root } = ledgerTree(await readEntries(pack));
  const problems = [
    ...(verifyText(readPublicKey('log', pem), note.text, note.signature) ? [] : ['it is not signed by the log key']),
    ...(equalBytes(note.keyId, logKeyId(sha256, note.origin, rawLogKey(pem))) ? [] : ['its signature line names another key']),
    ...(note.size === size ? [] : [`it covers ${note.size} events, the pack has ${size}`]),
    ...(equalBytes(note.root, root) ? [] : ['its root is not the root of these events']),
  ];
  return answerOf(problems, `signed by the log key, ${size} events, root agrees`);
}

/** Each event that must have an inclusion proof has one that leads to the checkpoint; there are no others. */
export async function checkInclusion(pack: PackReader): Promise<Answer> {
  const entries = await readEntries(pack);
  const note = await pack.text(PACK.checkpoint);
  const { size, root } = await readCheckpoint(pack);
  const proven = recordsOf(entries).filter(({ type }) => PROVEN_TYPES.includes(type));
  const expected = new Set(proven.map(({ seq }) => proofFile(seq)));
  const problems = pack.files
    .filter((name) => name.startsWith('log/proofs/') && !expected.has(name))
    .map((name) => `${name} proves no event that needs it`);
  for (const { seq } of proven) {
    const proof = pack.files.includes(proofFile(seq)) ? parseProof(await pack.text(proofFile(seq))) : null;
    const leaf = Buffer.from(entries[seq]?.line ?? '', 'utf8');
    const holds = proof !== null && proof.index === seq && proof.checkpoint === note;
    if (!holds || !verifyInclusion(sha256, leaf, { index: seq, size, proof: proof.hashes, root }))
      problems.push(`event ${seq} is not proved to be in the log`);
  }
  return answerOf(problems, `${proven.length} events proved to be in the log`);
}

/** The raw logs are exactly those the events name. */
export async function checkLogs(pack: PackReader): Promise<Answer> {
  const names = pack.files.filter((name) => name.startsWith(STEPS_FOLDER));
  const found = [];
  for (const name of names) found.push({ name: name.slice(STEPS_FOLDER.length), ...(await pack.digest(name)) });
  return answerOf(logDifferences(await readEventStory(pack), found), `${found.length} raw logs, each named by one event`);
}

/** summary.json says what the events say: verdict, versions, times, steps, log. */
export async function checkSummary(pack: PackReader): Promise<Answer> {
  const summary: unknown = JSON.parse(await pack.text(PACK.summary));
  const story = await readEventStory(pack);
  const { origin, size, root } = await readCheckpoint(pack);
  const differences = summaryDifferences(fixedSummary(story, { origin, size, root }), summary, canonicalJson);
  return answerOf(
    differences.map((field) => `${field} is not what the ledger says`),
    `${story.verdict}: ${story.service} ${story.version} in ${story.environment}, as the ledger says`,
  );
}
