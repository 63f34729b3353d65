import { createHash } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadOrCreateKeys, sealProof } from '../../evidence/index.ts';
import type { Instant } from '../../kernel/index.ts';
import { oldProofs } from '../core/retention.ts';
import type { Proof } from './ports.ts';
import { proofFolder } from './prove.ts';

/**
 * The proof as a file, signed as an evidence pack is; then proofs are removed that nobody needs any more.
 * @throws SlipwayError `state_corrupt` when the signing keys cannot be read
 */
export async function saveProof(home: string, proof: Proof, now: Instant): Promise<{ readonly file: string; readonly sha256: string }> {
  const folder = proofFolder(home, proof.id);
  const file = join(folder, 'proof.json');
  const bytes = `${JSON.stringify(proof, null, 2)}\n`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await writeFile(file, bytes, { mode: 0o600 });
  await sealProof(folder, loadOrCreateKeys(join(home, 'keys')));
  for (const id of oldProofs(await readdir(join(home, 'proofs')), now))
    await rm(join(home, 'proofs', id), { recursive: true, force: true });
  return { file, sha256 };
}
