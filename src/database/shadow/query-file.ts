import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { valuesLine } from '../core/prove/values.ts';
import type { DeclaredQuery } from './queries.ts';

/** Writes a query set as a file that {@link readQueries} reads back; what the file held before is gone. @param about its first lines */
export async function writeQueries(
  directory: string,
  file: string,
  content: { readonly about: readonly string[]; readonly queries: readonly DeclaredQuery[] },
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const statements = content.queries.map(({ text, values }) => [...values.map(valuesLine), `${text.trim()};`].join('\n'));
  const path = join(directory, file);
  await writeFile(`${path}.partial`, `${[content.about.map((line) => `-- ${line}`).join('\n'), ...statements].join('\n\n')}\n`);
  await rename(`${path}.partial`, path);
}
