import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, SlipwayError } from '../kernel/index.ts';
import type { Definition } from './domain.ts';
import type { ServiceSet } from './set.ts';

export interface LoadedConfig {
  readonly definition: Definition;
  readonly text: string;
  /** Absolute path. */
  readonly file: string;
  /** Of the file's bytes, hex. */
  readonly sha256: string;
}

export const CONFIG_FILE = 'slipway.yaml';

const MAX_BYTES = 1024 * 1024;

/**
 * Reads slipway.yaml from a file or a folder.
 * @throws SlipwayError `config_missing`, `config_invalid`, `secret_in_config`, `usage` (unknown environment)
 */
export async function loadConfig(pathOrDirectory: string, environment?: string): Promise<LoadedConfig> {
  const file = await findFile(path.resolve(pathOrDirectory));
  const shown = shortest(file);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw refusal(shown, error);
  });
  const text = decode(bytes, shown);
  // Parser and schema are loaded by the commands that read a configuration.
  const { parseConfig } = await import('./parse.ts');
  const definition = parseConfig(text, { file: shown, environment });
  return { definition, text, file, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The set of services that a folder's slipway.yaml declares; null where it declares one service. @throws as `readSet` */
export async function loadSet(directory: string): Promise<ServiceSet | null> {
  const { readSet } = await import('./set.ts');
  return readSet(directory);
}

async function findFile(given: string): Promise<string> {
  const shown = shortest(given);
  const kind = await stat(given).catch((error: unknown) => {
    throw refusal(shown, error);
  });
  if (kind.isDirectory()) {
    const inside = path.join(given, CONFIG_FILE);
    const found = await stat(inside).catch((error: unknown) => {
      throw refusal(shortest(inside), error);
    });
    return checkFile(inside, found);
  }
  return checkFile(given, kind);
}

function checkFile(file: string, kind: { isFile(): boolean; readonly size: number }): string {
  if (!kind.isFile()) throw new SlipwayError('config_invalid', `${shortest(file)} is not a file`);
  if (kind.size > MAX_BYTES)
    throw new SlipwayError(
      'config_invalid',
      `${shortest(file)} has ${kind.size} bytes; a slipway.yaml is a page of text, so this is probably another file`,
    );
  return file;
}

function refusal(shown: string, error: unknown): SlipwayError {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new SlipwayError('config_missing', `There is no ${shown}`, { cause: error });
  return new SlipwayError('config_invalid', `${shown} cannot be read: ${messageOf(error)}`, {
    cause: error,
    hint: 'Check the permissions of the file.',
  });
}

function decode(bytes: Buffer, shown: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const good = bytes.toString('utf8').split('\uFFFD', 1)[0] ?? '';
    const line = good.split('\n').length;
    throw new SlipwayError('config_invalid', `${shown}:${line} is not UTF-8 text`, { cause: error, hint: 'Save the file as UTF-8.' });
  }
}

/** Relative to where the user stands, when that is shorter to read. */
function shortest(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative === '' || relative.startsWith('..') ? file : relative;
}
