import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { fileSchema } from './schema/file.ts';
import { flagsFileSchema } from './schema/flags.ts';
import { rampSchema } from './schema/ramp.ts';

/** What editors check files with: its name below `schema/`, its title, and what it is made from. */
const PUBLISHED: readonly (readonly [file: string, title: string, schema: z.ZodType])[] = [
  ['slipway.schema.json', 'slipway.yaml', fileSchema],
  ['flags.schema.json', 'flags/*.yaml of Slipway', flagsFileSchema],
  ['ramps.schema.json', 'ramps/*.yaml of Slipway', rampSchema],
];

/** The JSON Schema (draft 2020-12) of slipway.yaml, as text. */
export function publishedSchema(): string {
  return schemaText('slipway.yaml', fileSchema);
}

function schemaText(title: string, made: z.ZodType): string {
  const schema = z.toJSONSchema(made, { io: 'input', reused: 'ref' });
  return `${JSON.stringify({ title, ...schema }, null, 2)}\n`;
}

/** `node src/config/publish-schema.ts [--check]`: writes the files, or fails when one is not up to date. */
async function main(check: boolean): Promise<void> {
  for (const [name, title, made] of PUBLISHED) {
    const file = new URL(`../../schema/${name}`, import.meta.url);
    const wanted = schemaText(title, made);
    const there = check ? await readFile(file, 'utf8').catch(() => '') : null;
    if (there === null) await writeFile(file, wanted);
    else if (there !== wanted) {
      process.stderr.write(`schema/${name} is not up to date; run \`npm run schema\`\n`);
      process.exitCode = 1;
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes('--check'));
