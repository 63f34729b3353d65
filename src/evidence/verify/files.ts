import { readPublicKey, verifyBlob } from '../adapters/crypto.ts';
import type { PackReader } from '../adapters/pack-reader.ts';
import { CLOSING, isPackName, PACK, parseSums, PROOF, type Sum } from '../core/layout.ts';
import { answerOf, type Answer } from './answer.ts';

async function readSums(pack: PackReader): Promise<readonly Sum[]> {
  const sums = parseSums(await pack.text(PACK.sums));
  if (sums === null) throw new Error(`${PACK.sums} has a line that is not a digest and a plain file name, or names a file twice`);
  return sums;
}

/** The files on disk are exactly the listed ones; nothing hides as a link, dot file or odd name. */
export async function checkFileSet(pack: PackReader): Promise<Answer> {
  return checkFiles(
    pack,
    Object.values(PACK).filter((name) => !CLOSING.includes(name)),
  );
}

/** The same of a proof of `db prove`, which has other parts. */
export async function checkProofFiles(pack: PackReader): Promise<Answer> {
  return checkFiles(pack, [PROOF, PACK.packKey]);
}

async function checkFiles(pack: PackReader, required: readonly string[]): Promise<Answer> {
  const listed = new Set((await readSums(pack)).map(({ name }) => name));
  const present = new Set(pack.files);
  const inUse = new Set([...listed].flatMap(foldersOf));
  const problems = [
    ...pack.others.map((name) => `${name} is a link or special file`),
    ...pack.files.filter((name) => !CLOSING.includes(name) && !listed.has(name)).map((name) => `${name} is not listed`),
    ...pack.files.filter((name) => !isPackName(name)).map((name) => `${name} is not a plain file name`),
    ...pack.folders.filter((folder) => !inUse.has(folder)).map((name) => `${name}/ holds nothing that is listed`),
    ...[...listed].filter((name) => !present.has(name)).map((name) => `${name} is listed and missing`),
    ...required.filter((name) => !listed.has(name)).map((name) => `${name}, which must be there, is not listed`),
    ...CLOSING.filter((name) => listed.has(name)).map((name) => `${name} lists itself`),
  ];
  return answerOf(problems, `${listed.size} files, all listed, nothing else`);
}

function foldersOf(name: string): readonly string[] {
  const parts = name.split('/').slice(0, -1);
  return parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
}

/** Each listed file has its digest. */
export async function checkSums(pack: PackReader): Promise<Answer> {
  const sums = await readSums(pack);
  const problems: string[] = [];
  for (const { name, sha256 } of sums) {
    const found = pack.files.includes(name) ? (await pack.digest(name)).sha256 : 'missing';
    if (found !== sha256) problems.push(found === 'missing' ? `${name} is missing` : `${name} was changed`);
  }
  return answerOf(problems, `${sums.length} digests agree`);
}

/** The list of sums is signed by the pack's key. */
export async function checkSumsSignature(pack: PackReader): Promise<Answer> {
  const key = readPublicKey('pack', await pack.text(PACK.packKey));
  const signed = verifyBlob(key, await pack.bytes(PACK.sums), await pack.bytes(PACK.sumsSignature));
  return answerOf(signed ? [] : [`${PACK.sumsSignature} is not a signature of ${PACK.sums} by ${PACK.packKey}`], 'signed by the pack key');
}
