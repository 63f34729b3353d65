import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { createRedactor, SlipwayError } from '../kernel/index.ts';
import { pathText, renderProblems, tidyProblems } from './core/problem.ts';
import { complaintsOf } from './issues.ts';
import { name, relativePath, section } from './schema/scalars.ts';
import { readSource, type Source } from './source.ts';

const CONFIG_FILE = 'slipway.yaml';

/** Services that are released as one change. */
export interface ServiceSet {
  readonly name: string;
  readonly order: 'together' | 'in-turn';
  /** Folders with a slipway.yaml each, absolute, in the declared order. */
  readonly folders: readonly string[];
}

const schema = section({
  set: name.describe('Name of the set.'),
  services: z
    .array(relativePath)
    .min(2, 'needs at least two folders: one service alone has its slipway.yaml here')
    .max(8, 'at most 8 services: a worker drives no more at once'),
  order: z.literal(['together', 'in-turn']).optional(),
});

/**
 * The set that a folder's slipway.yaml declares; null where it declares a service, or nothing that can be read (which the reader of
 * services says better).
 * @throws SlipwayError `config_invalid`, `config_missing` (a folder of the set has no slipway.yaml)
 */
export async function readSet(directory: string): Promise<ServiceSet | null> {
  const file = path.join(directory, CONFIG_FILE);
  const text = await readFile(file, 'utf8').catch(() => null);
  const read = text === null ? null : readSource(text);
  if (read === null || !read.ok || !('services' in read.source.value)) return null;
  const parsed = schema.safeParse(read.source.value);
  if (!parsed.success) throw new SlipwayError('config_invalid', problemsOf(file, read.source, parsed.error.issues));
  const { set, services, order = 'together' } = parsed.data;
  await checkFolders(directory, services);
  return { name: set, order, folders: services.map((folder) => path.join(directory, folder)) };
}

function problemsOf(file: string, source: Source, issues: readonly z.core.$ZodIssue[]): string {
  const problems = complaintsOf(issues, source.value).map(({ path: at, about, message }) => {
    const { line, column } = source.locate(at, about);
    return { line, column, path: pathText(at), message, secret: false };
  });
  return renderProblems(file, source.text, tidyProblems(problems), createRedactor());
}

async function checkFolders(directory: string, services: readonly string[]): Promise<void> {
  const file = path.join(directory, CONFIG_FILE);
  const twice = services.find((folder, index) => services.findIndex((other) => path.normalize(other) === path.normalize(folder)) !== index);
  if (twice !== undefined) throw new SlipwayError('config_invalid', `${file} names the folder ${twice} twice`);
  for (const folder of services) {
    const found = await stat(path.join(directory, folder, CONFIG_FILE)).catch(() => null);
    if (found?.isFile() !== true)
      throw new SlipwayError('config_missing', `${file} names the folder ${folder}, which has no ${CONFIG_FILE}`);
  }
}
