import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keyFingerprints, loadOrCreateKeys, verifyPack } from '../../evidence/index.ts';
import type { CellProof, Proof } from '../prove/ports.ts';

const MOST_PROOFS = 200;

/**
 * The newest proof of this very commit in which all of these files were applied; null when there is none. What cannot be read, or is
 * not what was signed here, is passed over: it proves nothing.
 */
export async function proofOf(
  home: string,
  wanted: { readonly commit: string | null; readonly service: string; readonly environment: string; readonly files: readonly string[] },
): Promise<Proof | null> {
  if (wanted.commit === null) return null;
  const root = join(home, 'proofs');
  // Ids sort by time.
  const ids = (await readdir(root).catch(() => [])).toSorted((a, b) => (a < b ? 1 : -1)).slice(0, MOST_PROOFS);
  for (const id of ids) {
    const proof = await readProof(join(root, id, 'proof.json'));
    if (
      proof === null ||
      proof.new.commit !== wanted.commit ||
      proof.service !== wanted.service ||
      proof.environment !== wanted.environment
    )
      continue;
    const applied = new Set(proof.schemas.flatMap(({ files }) => files));
    if (wanted.files.every((file) => applied.has(file)) && (await isSigned(home, id))) return proof;
  }
  return null;
}

async function isSigned(home: string, id: string): Promise<boolean> {
  const { pack } = keyFingerprints(loadOrCreateKeys(join(home, 'keys')));
  const { verdict } = await verifyPack(join(home, 'proofs', id), { pins: { pack: [pack], log: [] } });
  return verdict === 'pass';
}

async function readProof(file: string): Promise<Proof | null> {
  try {
    const proof = JSON.parse(await readFile(file, 'utf8')) as Proof;
    return proof.schema === 'slipway.proof/1' && Array.isArray(proof.cells) && Array.isArray(proof.schemas) ? proof : null;
  } catch {
    return null;
  }
}

/** The cells of one version on the schema that is left after the contraction. */
export function onContracted({ cells }: Proof, version: CellProof['version']): readonly CellProof[] {
  return cells.filter((cell) => cell.version === version && cell.schema === 'contracted');
}
