import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Proof } from './ports.ts';
import { proofFolder } from './prove.ts';

/** The proof as a file, with a digest beside it that `sha256sum -c` understands. */
export async function saveProof(home: string, proof: Proof): Promise<{ readonly file: string; readonly sha256: string }> {
  const file = join(proofFolder(home, proof.id), 'proof.json');
  const bytes = `${JSON.stringify(proof, null, 2)}\n`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await writeFile(file, bytes, { mode: 0o600 });
  await writeFile(`${file}.sha256`, `${sha256}  proof.json\n`, { mode: 0o600 });
  return { file, sha256 };
}
