import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createRedactor, SlipwayError } from '../kernel/index.ts';
import type { BackfillDefinition } from '../database/index.ts';
import { nearest } from './core/nearest.ts';
import { pathText, renderProblems, tidyProblems, type Problem } from './core/problem.ts';
import { complaintsOf, type Complaint } from './issues.ts';
import { backfillSchema, toBackfill } from './schema/backfill.ts';
import { readSource, type Source } from './source.ts';

/** Folder, beside slipway.yaml, of the backfills: `backfills/split-names.yaml` declares `split-names`. */
const BACKFILL_FOLDER = 'backfills';

const NAME = /^[a-z0-9][a-z0-9_-]{0,59}$/;

/**
 * Reads a backfill by its name.
 * @returns the definition and the folder in which its function lies
 * @throws SlipwayError `config_missing` with the names there are, `config_invalid` with all problems of the file, `usage` for a bad name
 */
export async function loadBackfill(
  workspace: string,
  name: string,
): Promise<{ readonly definition: BackfillDefinition; readonly folder: string }> {
  if (!NAME.test(name)) throw new SlipwayError('usage', `"${name}" is not the name of a backfill: lower-case letters, digits, "-" and "_"`);
  const folder = path.join(workspace, BACKFILL_FOLDER);
  const shown = path.join(BACKFILL_FOLDER, `${name}.yaml`);
  const text = await readFile(path.join(folder, `${name}.yaml`), 'utf8').catch(() => null);
  if (text === null) throw await missing(folder, shown, name);
  const read = readSource(text);
  if (!read.ok) throw new SlipwayError('config_invalid', renderProblems(shown, read.text, tidyProblems(read.problems), createRedactor()));
  return { definition: parse(name, read.source, shown), folder };
}

/** The names of all backfills of a source, in order. */
export async function backfillNames(workspace: string): Promise<readonly string[]> {
  const files = await readdir(path.join(workspace, BACKFILL_FOLDER)).catch(() => []);
  return files.flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : [])).toSorted();
}

function parse(name: string, source: Source, shown: string): BackfillDefinition {
  const refuse = (complaints: readonly Complaint[]): SlipwayError =>
    new SlipwayError(
      'config_invalid',
      renderProblems(shown, source.text, tidyProblems(complaints.map((one) => problemOf(source, one))), createRedactor()),
    );
  const parsed = backfillSchema.safeParse(source.value);
  if (!parsed.success) throw refuse(complaintsOf(parsed.error.issues, source.value));
  const complaints: Complaint[] = [];
  const definition = toBackfill(name, parsed.data, (at, message) => complaints.push({ path: at, about: 'value', message }));
  if (definition === null || complaints.length > 0) throw refuse(complaints);
  return definition;
}

function problemOf(source: Source, { path: at, about, message }: Complaint): Problem {
  const { line, column } = source.locate(at, about);
  return { line, column, path: pathText(at), message, secret: false };
}

async function missing(folder: string, shown: string, name: string): Promise<SlipwayError> {
  const names = await backfillNames(path.dirname(folder));
  const meant = nearest(name, names);
  const hint =
    names.length === 0
      ? 'Declare it there: table, where, and set, statement or function.'
      : `There are ${names.join(', ')}.${meant === null ? '' : ` Did you mean ${meant}?`}`;
  return new SlipwayError('config_missing', `There is no ${shown}`, { hint });
}
