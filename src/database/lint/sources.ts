import { SlipwayError } from '../../kernel/index.ts';
import { fillPlaceholders, type Defines } from '../core/lint/sections.ts';
import { FORMATS } from './formats.ts';
import { openFolder } from './folder.ts';
import type { FormatName, SourceFile } from './ports.ts';

/** A folder's migrations as they were understood. */
export interface Sources {
  readonly format: FormatName;
  readonly files: readonly SourceFile[];
}

/**
 * Reads the migrations of a folder, or one file, in the order in which their tool applies them.
 * @param asks may a tool whose migrations are programs be run, to print their SQL?
 * @param wanted the tool, or null to tell it from the folder's shape
 * @throws SlipwayError `not_found` when there is no such folder, or nothing to judge in it
 */
// oxlint-disable-next-line max-params -- where, whose, with what, and whether to ask
export async function readSources(path: string, wanted: FormatName | null, defines: Defines, asks = false): Promise<Sources> {
  const folder = await openFolder(path);
  for (const format of FORMATS) {
    if (wanted === null ? !(await format.detect(folder)) : format.name !== wanted) continue;
    const files = await format.read(folder, asks);
    if (files.length === 0) break;
    const readsAs = format.readsAs === undefined ? {} : { readsAs: format.readsAs };
    return { format: format.name, files: files.map((file) => ({ ...readsAs, ...file, text: fillPlaceholders(file.text, defines) })) };
  }
  throw new SlipwayError('not_found', `There are no migrations in ${path}${wanted === null ? '' : ` of the format ${wanted}`}`, {
    hint: 'Give the folder that holds them; --format says which tool they belong to.',
  });
}
