import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { createRedactor, SlipwayError } from '../kernel/index.ts';
import { nearest } from './core/nearest.ts';
import { pathText, renderProblems, tidyProblems, type Problem } from './core/problem.ts';
import { complaintsOf, type Complaint } from './issues.ts';
import { readSource, type Source } from './source.ts';

/** A folder beside slipway.yaml whose files declare one thing each: `backfills/split-names.yaml` declares `split-names`. */
export interface DeclaredKind<Given, Definition> {
  readonly folder: string;
  /** `backfill` */
  readonly word: string;
  readonly schema: z.ZodType<Given>;
  /** What the file says, in the words of the room it is for; what does not fit together is told to `complain`. */
  readonly read: (name: string, given: Given, complain: (path: readonly string[], message: string) => void) => Definition | null;
  /** What to write when there is none. */
  readonly hint: string;
}

const NAME = /^[a-z0-9][a-z0-9_-]{0,59}$/;

/**
 * Reads a declaration by its name.
 * @throws SlipwayError `config_missing` with the names there are, `config_invalid` with all problems of the file, `usage` for a bad name
 */
export async function loadDeclared<Given, Definition>(
  kind: DeclaredKind<Given, Definition>,
  workspace: string,
  name: string,
): Promise<Definition> {
  if (!NAME.test(name))
    throw new SlipwayError('usage', `"${name}" is not the name of a ${kind.word}: lower-case letters, digits, "-" and "_"`);
  const shown = path.join(kind.folder, `${name}.yaml`);
  const text = await readFile(path.join(workspace, kind.folder, `${name}.yaml`), 'utf8').catch(() => null);
  if (text === null) throw await missing(kind, workspace, { shown, name });
  const read = readSource(text);
  if (!read.ok) throw new SlipwayError('config_invalid', renderProblems(shown, read.text, tidyProblems(read.problems), createRedactor()));
  return parse(kind, { name, shown }, read.source);
}

/** The names of all declarations of a kind in a source, in order. */
export async function declaredNames({ folder }: Pick<DeclaredKind<never, never>, 'folder'>, workspace: string): Promise<readonly string[]> {
  const files = await readdir(path.join(workspace, folder)).catch(() => []);
  return files.flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : [])).toSorted();
}

interface Named {
  readonly name: string;
  readonly shown: string;
}

function parse<Given, Definition>(kind: DeclaredKind<Given, Definition>, { name, shown }: Named, source: Source): Definition {
  const refuse = (complaints: readonly Complaint[]): SlipwayError =>
    new SlipwayError(
      'config_invalid',
      renderProblems(shown, source.text, tidyProblems(complaints.map((one) => problemOf(source, one))), createRedactor()),
    );
  const parsed = kind.schema.safeParse(source.value);
  if (!parsed.success) throw refuse(complaintsOf(parsed.error.issues, source.value));
  const complaints: Complaint[] = [];
  const definition = kind.read(name, parsed.data, (at, message) => complaints.push({ path: at, about: 'value', message }));
  if (definition === null || complaints.length > 0) throw refuse(complaints);
  return definition;
}

function problemOf(source: Source, { path: at, about, message }: Complaint): Problem {
  const { line, column } = source.locate(at, about);
  return { line, column, path: pathText(at), message, secret: false };
}

async function missing(
  kind: Pick<DeclaredKind<never, never>, 'folder' | 'hint'>,
  workspace: string,
  { shown, name }: Named,
): Promise<SlipwayError> {
  const names = await declaredNames(kind, workspace);
  const meant = nearest(name, names);
  const hint = names.length === 0 ? kind.hint : `There are ${names.join(', ')}.${meant === null ? '' : ` Did you mean ${meant}?`}`;
  return new SlipwayError('config_missing', `There is no ${shown}`, { hint });
}
