import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, SlipwayError, type JsonObject } from '../kernel/index.ts';
import { rawLogKey, sha256, signBlob } from './adapters/crypto.ts';
import { createPackWriter, type PackWriter } from './adapters/pack-writer.ts';
import { parseRecord } from './core/chain.ts';
import { logVerifierKey, type Checkpoint } from './core/checkpoint.ts';
import { renderInstructions } from './core/instructions.ts';
import { ARTIFACTS_FOLDER, formatSums, PACK, PROVEN_TYPES, proofFile, STEPS_FOLDER } from './core/layout.ts';
import { logDifferences } from './core/logs.ts';
import { inclusionProof, type MerkleTree } from './core/merkle.ts';
import { formatProof } from './core/proof.ts';
import type { LedgerRecord } from './core/record.ts';
import { renderReport } from './core/report.ts';
import { deploymentStatement, PAYLOAD_TYPE, preAuthEncoding } from './core/statement.ts';
import { readStory, type Story } from './core/story.ts';
import { fixedSummary } from './core/summary.ts';
import { canonicalJson, checkChain, keyFingerprints, ledgerTree, signCheckpoint } from './ledger.ts';
import type { PackInput, SigningKeys } from './ports.ts';

/** A finished pack. */
export interface ExportedPack {
  readonly directory: string;
  /** The signed checkpoint inside, to be copied to where this machine cannot write. */
  readonly checkpoint: string;
}

/** What all parts of one pack are made from. */
interface Making {
  readonly input: PackInput;
  readonly keys: SigningKeys;
  readonly records: readonly LedgerRecord[];
  readonly story: Story;
  readonly tree: MerkleTree;
  readonly checkpoint: Checkpoint;
  readonly note: string;
}

/**
 * Writes an evidence pack. It is built beside `directory` and renamed, so the pack is complete or absent; the same
 * input gives the same bytes, signatures by P-256 (and the sums of files that hold one) excepted.
 * @throws SlipwayError `not_possible_now` when `directory` exists; `evidence_invalid` when the ledger is broken,
 *   or a raw log is missing or not what the ledger says: a gap is never papered over
 */
export async function exportPack(input: PackInput, keys: SigningKeys, directory: string): Promise<ExportedPack> {
  const making = prepare(input, keys);
  const final = resolve(directory);
  const parent = dirname(final);
  await refuseExisting(final);
  await mkdir(parent, { recursive: true });
  const draft = join(parent, `.${basename(final)}.partial-${randomBytes(6).toString('hex')}`);
  await mkdir(draft);
  try {
    const writer = createPackWriter(draft);
    await writeLogs(making, writer);
    await writeLedger(making, writer);
    await writeDocuments(making, writer);
    await writer.sync();
    await rename(draft, final).catch((error: unknown) => {
      throw ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '') ? existing(final) : error;
    });
    await syncDirectory(parent);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return { directory: final, checkpoint: making.note };
}

function existing(directory: string): SlipwayError {
  return new SlipwayError('not_possible_now', `${directory} already exists`, { hint: 'Give another directory, or remove this one first.' });
}

async function refuseExisting(directory: string): Promise<void> {
  const found = await lstat(directory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (found !== null) throw existing(directory);
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function prepare(input: PackInput, keys: SigningKeys): Making {
  const chain = checkChain(input.entries);
  if (chain.verdict !== 'pass') throw broken(`The ledger of release ${input.release} is broken: ${chain.reason}`);
  const records = input.entries.map((entry) => parseRecord(entry.line)).filter((record) => record !== null);
  const story = readStory(records);
  for (const field of ['release', 'service', 'environment', 'verdict'] as const) {
    if (story[field] !== input[field]) throw new Error(`The pack's ${field} is ${input[field]}, the ledger says ${story[field]}`);
  }
  const tree = ledgerTree(input.entries);
  const checkpoint = { origin: input.origin, size: tree.size, root: tree.root };
  return { input, keys, records, story, tree, checkpoint, note: signCheckpoint(checkpoint, keys.log) };
}

function broken(message: string): SlipwayError {
  return new SlipwayError('evidence_invalid', message, {
    hint: 'No pack was written. Find out who or what changed the stored evidence; `slipway doctor` checks the store.',
  });
}

async function writeLogs({ input, story }: Making, writer: PackWriter): Promise<void> {
  const found = [];
  for (const log of input.logs) {
    const copy = await writer.copy(`${STEPS_FOLDER}${log.name}`, log.file).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      throw broken(`The raw log ${log.name} cannot be read: ${messageOf(error)}`);
    });
    if (copy.sha256 !== log.sha256) throw broken(`The raw log ${log.name} was changed after it was recorded`);
    found.push({ name: log.name, ...copy });
  }
  const [difference] = logDifferences(story, found);
  if (difference !== undefined) throw broken(`The raw logs are not those of the ledger: ${difference}`);
}

async function writeLedger({ input, keys, records, tree, checkpoint, note }: Making, writer: PackWriter): Promise<void> {
  for (const artifact of input.artifacts) await writer.write(`${ARTIFACTS_FOLDER}${artifact.name}`, artifact.text);
  await writer.write(PACK.events, input.entries.map((entry) => `${entry.line}\n`).join(''));
  await writer.write(PACK.checkpoint, note);
  for (const { seq, type } of records) {
    if (!PROVEN_TYPES.includes(type)) continue;
    await writer.write(proofFile(seq), formatProof({ index: seq, hashes: inclusionProof(tree, seq), checkpoint: note }));
  }
  await writer.write(PACK.packKey, keys.pack.publicPem);
  await writer.write(PACK.logKey, keys.log.publicPem);
  await writer.write(PACK.logVerifierKey, `${logVerifierKey(sha256, checkpoint.origin, rawLogKey(keys.log.publicPem))}\n`);
}

async function writeDocuments(making: Making, writer: PackWriter): Promise<void> {
  const { input, keys, records, story, checkpoint } = making;
  const fingerprints = keyFingerprints(keys);
  const facts = JSON.parse(canonicalJson(input.summary)) as JsonObject;
  await writer.write(PACK.summary, readable({ ...facts, ...fixedSummary(story, checkpoint) }));
  const digests = [...writer.sums()].sort((a, b) => (a.name < b.name ? -1 : 1));
  await writer.write(PACK.statement, sealStatement(making, writer));
  const pictures = input.artifacts
    .filter(({ name }) => name.endsWith('.svg'))
    .map(({ name, text }) => ({ name: `${ARTIFACTS_FOLDER}${name}`, text }));
  await writer.write(PACK.report, renderReport({ story, records, checkpoint, facts, digests, fingerprints, pictures }));
  await writer.write(PACK.instructions, renderInstructions(story.release, fingerprints));
  const sums = formatSums(writer.sums());
  await writer.write(PACK.sums, sums);
  await writer.write(PACK.sumsSignature, signBlob(keys.pack.privatePem, Buffer.from(sums)));
}

/** Indented for people, keys in canonical order so that the same facts give the same bytes. */
function readable(value: JsonObject): string {
  return `${JSON.stringify(JSON.parse(canonicalJson(value)), null, 2)}\n`;
}

/** The in-toto statement in its DSSE envelope. */
function sealStatement({ input, keys, story, checkpoint }: Making, writer: PackWriter): string {
  const own = writer.sums().filter(({ name }) => name === PACK.summary || name === PACK.events);
  const payload = Buffer.from(canonicalJson(deploymentStatement(story, checkpoint, [...own, ...input.subjects])));
  const signature = signBlob(keys.pack.privatePem, preAuthEncoding(PAYLOAD_TYPE, payload));
  const signatures = [{ keyid: keyFingerprints(keys).pack, sig: Buffer.from(signature).toString('base64') }];
  return readable({ payloadType: PAYLOAD_TYPE, payload: payload.toString('base64'), signatures });
}
