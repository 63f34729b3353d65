import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FlagDeclaration, FlagFiles, FlagPlace, SegmentDeclaration } from '../flags/index.ts';
import { createRedactor, isJsonObject, messageOf, SlipwayError, type JsonObject } from '../kernel/index.ts';
import { pathText, renderProblems, tidyProblems, type Problem } from './core/problem.ts';
import { complaintsOf } from './issues.ts';
import { flagsFileSchema, type FlagsFile } from './schema/flags.ts';
import { readSource, type Path, type Source, type SourceKind } from './source.ts';

/** Where the files are, below the workspace. */
export const FLAGS_FOLDER = 'flags';

const KIND: SourceKind = {
  called: 'file of flags',
  maxCharacters: 1024 * 1024,
  empty: 'write `flags:` and a flag below it, or delete the file',
  example: 'flags: { ... }',
};

/** The files of a folder, read and understood. */
export interface LoadedFlags {
  readonly files: FlagFiles;
  /** Text of each file by its path below the workspace, with forward slashes. */
  readonly texts: ReadonlyMap<string, string>;
  /** The file in which a flag or segment stands; null for one that is in none. */
  fileOf(kind: 'flag' | 'segment', key: string): string | null;
  /** Where a part of a flag or segment stands; the nearest part that is there, in the environment's own words where it has some. */
  place(kind: 'flag' | 'segment', key: string, below: Path, environment?: string): FlagPlace;
}

/**
 * Reads all files of the folder; one that is not there declares nothing.
 * @throws SlipwayError `config_invalid` with all problems of all files, each with its place
 */
export async function loadFlags(workspace: string): Promise<LoadedFlags> {
  const { loaded: found, faults } = await readFlags(workspace);
  if (faults.length > 0) throw faultyFlags(faults);
  return found;
}

/** Files of which some may be wrong. */
export interface ReadFlags {
  /** What could be read. */
  readonly loaded: LoadedFlags;
  /** Why the rest could not, by file. */
  readonly faults: readonly string[];
  /** The rest may declare it. */
  mayDeclare(kind: 'flag' | 'segment', key: string): boolean;
}

/** The same, with what could be read although something else could not: all that is wrong is to be told at once. */
export async function readFlags(workspace: string): Promise<ReadFlags> {
  const names = await namesBelow(path.join(workspace, FLAGS_FOLDER));
  const read = await Promise.all(names.map((name) => readOne(workspace, `${FLAGS_FOLDER}/${name}`)));
  const parsed = read.map((one) => ('source' in one ? parseOne(one) : { ...one, content: null }));
  const twice = duplicates(parsed);
  const faults = parsed.flatMap((one) => {
    const problems = [...one.problems, ...(twice.get(one.file) ?? [])];
    return problems.length === 0 ? [] : [renderProblems(one.file, one.text, tidyProblems(problems), createRedactor())];
  });
  const isUnread = parsed.some((one) => one.content === null);
  const broken = new Set(parsed.filter(isRead).flatMap(({ content }) => brokenKeys(content)));
  return { loaded: loaded(parsed.filter(isRead)), faults, mayDeclare: (kind, key) => isUnread || broken.has(`${kind}s.${key}`) };
}

/** All that is wrong with files of flags, told at once. */
export function faultyFlags(faults: readonly string[]): SlipwayError {
  return new SlipwayError('config_invalid', faults.join('\n\n'), {
    hint: 'Correct the lines named above; docs/flags/lifecycle.md describes the files.',
  });
}

async function namesBelow(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder, { recursive: true });
    return names
      .map((name) => name.replaceAll(path.sep, '/'))
      .filter((name) => /\.ya?ml$/.test(name))
      .toSorted();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new SlipwayError('config_invalid', `${folder} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

interface ReadFile {
  readonly file: string;
  readonly text: string;
  readonly problems: readonly Problem[];
}
type Parsed = ReadFile & { readonly content: { readonly source: Source; readonly given: FlagsFile } | null };

async function readOne(workspace: string, file: string): Promise<ReadFile & { readonly source?: Source }> {
  const at = path.join(workspace, file);
  const refuse = (line: number, message: string): ReadFile => ({
    file,
    text: '',
    problems: [{ line, column: 1, path: '', message, secret: false }],
  });
  try {
    const { size } = await stat(at);
    // Bytes are at least as many as characters; a file that is far too large is not read at all.
    if (size > 4 * KIND.maxCharacters) return refuse(1, `has ${size} bytes; a ${KIND.called} is a text that people review`);
    const bytes = await readFile(at);
    const text = decode(bytes);
    if (typeof text === 'number') return refuse(text, 'is not UTF-8 text; save the file as UTF-8');
    const result = readSource(text, KIND);
    return result.ok
      ? { file, text: result.source.text, problems: [], source: result.source }
      : { file, text: result.text, problems: result.problems };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return refuse(1, `cannot be read: ${error.message}`);
  }
}

/** The text, or the first line that is none. */
function decode(bytes: Buffer): string | number {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const good = bytes.toString('utf8').split('\uFFFD', 1)[0] ?? '';
    return good.split('\n').length;
  }
}

function parseOne(read: ReadFile & { readonly source?: Source }): Parsed {
  const { file, text, source } = read;
  if (source === undefined) return { ...read, content: null };
  const parsed = flagsFileSchema.safeParse(source.value);
  if (parsed.success) return { file, text, problems: [], content: { source, given: parsed.data } };
  const problems = complaintsOf(parsed.error.issues, source.value).map((complaint): Problem => {
    const { line, column } = source.locate(complaint.path, complaint.about);
    return { line, column, path: pathText(complaint.path), message: complaint.message, secret: false };
  });
  return { file, text, problems, content: soundPart(source, parsed.error.issues) };
}

/** The flags and segments in which nothing is wrong; null where it is not in these. */
function soundPart(source: Source, issues: readonly { readonly path: readonly PropertyKey[] }[]): Parsed['content'] {
  const isSound = (part: string, key: string): boolean => !issues.some(({ path: [first, second] }) => first === part && second === key);
  const sound = Object.entries(source.value).map(([part, all]) => [
    part,
    isJsonObject(all) ? Object.fromEntries(Object.entries(all).filter(([key]) => isSound(part, key))) : all,
  ]);
  const parsed = flagsFileSchema.safeParse(Object.fromEntries(sound));
  return parsed.success ? { source, given: parsed.data } : null;
}

/** What stands in a file and could not be read. */
function brokenKeys({ source, given }: Content['content']): readonly string[] {
  return (['flags', 'segments'] as const).flatMap((part) => {
    const all = source.value[part];
    const keys = isJsonObject(all) ? Object.keys(all) : [];
    return keys.filter((key) => !Object.hasOwn(given[part] ?? {}, key)).map((key) => `${part}.${key}`);
  });
}

/** Keys that more than one file declares; told in each but the first. */
function duplicates(parsed: readonly Parsed[]): ReadonlyMap<string, readonly Problem[]> {
  const first = new Map<string, string>();
  const found = new Map<string, Problem[]>();
  for (const { file, content } of parsed.filter(isRead)) {
    for (const at of keysOf(content.given)) {
      const shown = pathText(at);
      const other = first.get(shown);
      if (other === undefined) {
        first.set(shown, file);
        continue;
      }
      const { line, column } = content.source.locate(at, 'key');
      const message = `is declared in ${other} too; keep one`;
      found.set(file, [...(found.get(file) ?? []), { line, column, path: shown, message, secret: false }]);
    }
  }
  return found;
}

function keysOf(given: FlagsFile): readonly Path[] {
  return (['flags', 'segments'] as const).flatMap((part) => Object.keys(given[part] ?? {}).map((key) => [part, key]));
}

function isRead(parsed: Parsed): parsed is Content {
  return parsed.content !== null;
}

type Content = Parsed & { readonly content: NonNullable<Parsed['content']> };

function loaded(contents: readonly Content[]): LoadedFlags {
  const flags = contents.flatMap((one) => Object.entries(one.content.given.flags ?? {}).map(([key, given]) => flagOf(one, key, given)));
  const segments = contents.flatMap(({ content }) =>
    Object.entries(content.given.segments ?? {}).map(([key, { environments = {}, ...fields }]): SegmentDeclaration => ({
      key,
      fields,
      environments,
    })),
  );
  const holder = (kind: 'flag' | 'segment', key: string): Content | undefined =>
    contents.find(({ content }) => Object.hasOwn(content.given[`${kind}s`] ?? {}, key));
  return {
    files: { flags, segments },
    texts: new Map(contents.map(({ file, text }) => [file, text])),
    fileOf: (kind, key) => holder(kind, key)?.file ?? null,
    place: (kind, key, below, environment) => {
      const held = holder(kind, key);
      if (held === undefined) return { file: FLAGS_FOLDER, line: 1, column: 1 };
      return placeIn(held, [`${kind}s`, key], below, environment);
    },
  };
}

function placeIn({ file, content }: Content, top: Path, below: Path, environment: string | undefined): FlagPlace {
  const { source } = content;
  const own = [...top, 'environments', environment ?? '', ...below];
  const [first] = below;
  const hasOwn = first !== undefined && environment !== undefined && hasPath(source.value, own.slice(0, top.length + 3));
  const { line, column } = source.locate(hasOwn ? own : [...top, ...below], 'value');
  return { file, line, column };
}

function hasPath(value: JsonObject, at: Path): boolean {
  let here: unknown = value;
  for (const part of at) {
    if (!isJsonObject(here) || !Object.hasOwn(here, part)) return false;
    here = here[String(part)];
  }
  return true;
}

function flagOf({ file, content }: Content, key: string, given: NonNullable<FlagsFile['flags']>[string]): FlagDeclaration {
  const { environments = {}, tests = [], ...fields } = given;
  return {
    key,
    fields,
    environments,
    tests: tests.map(({ name = null, environment = [], context = {}, expect }, index) => {
      const { line, column } = content.source.locate(['flags', key, 'tests', index], 'value');
      return { name, environments: environment, context, expect, place: { file, line, column } };
    }),
  };
}
