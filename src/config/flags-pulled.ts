import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { messageOf, SlipwayError } from '../kernel/index.ts';

const schema = z.record(z.string(), z.int().nonnegative());

/** The change of each environment up to which it was brought into the files. @throws SlipwayError `config_invalid` */
export async function readPulled(workspace: string): Promise<Readonly<Record<string, number>>> {
  const file = 'flags/pulled.json';
  const text = await readFile(path.join(workspace, file), 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new SlipwayError('config_invalid', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  if (text === null) return {};
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new SlipwayError('config_invalid', `${file} is not what \`slipway flag pull\` writes`, {
      cause: error,
      hint: 'Resolve a conflict of git by keeping the higher numbers, or delete the file and pull again.',
    });
  }
}
