import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signBlob } from './adapters/crypto.ts';
import { openPack } from './adapters/pack-reader.ts';
import { CLOSING, formatSums, PACK } from './core/layout.ts';
import type { SigningKeys } from './ports.ts';

/** Signs what is in the folder of a proof, as a pack is signed: digests of all files in SHA256SUMS, and its signature by the pack key. */
export async function sealProof(directory: string, keys: SigningKeys): Promise<void> {
  await mkdir(join(directory, 'keys'), { recursive: true, mode: 0o700 });
  await writeFile(join(directory, PACK.packKey), keys.pack.publicPem, { mode: 0o600 });
  const pack = await openPack(directory);
  const names = pack.files.filter((name) => !CLOSING.includes(name));
  const sums = formatSums(await Promise.all(names.map(async (name) => ({ name, sha256: (await pack.digest(name)).sha256 }))));
  await writeFile(join(directory, PACK.sums), sums, { mode: 0o600 });
  await writeFile(join(directory, PACK.sumsSignature), signBlob(keys.pack.privatePem, Buffer.from(sums)), { mode: 0o600 });
}
