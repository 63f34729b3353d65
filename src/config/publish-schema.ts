import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { fileSchema } from './schema/file.ts';

const FILE = new URL('../../schema/slipway.schema.json', import.meta.url);

/** The JSON Schema (draft 2020-12) of slipway.yaml, as text. */
export function publishedSchema(): string {
  const schema = z.toJSONSchema(fileSchema, { io: 'input', reused: 'ref' });
  return `${JSON.stringify({ title: 'slipway.yaml', ...schema }, null, 2)}\n`;
}

/** `node src/config/publish-schema.ts [--check]`: writes the file, or fails when it is not up to date. */
async function main(check: boolean): Promise<void> {
  const wanted = publishedSchema();
  if (!check) return writeFile(FILE, wanted);
  const there = await readFile(FILE, 'utf8').catch(() => '');
  if (there === wanted) return;
  process.stderr.write('schema/slipway.schema.json is not up to date; run `npm run schema`\n');
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes('--check'));
