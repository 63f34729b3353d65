import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf, SlipwayError } from '../../kernel/index.ts';
import { isAccessors } from '../core/accessors.ts';
import { moduleOf, type Module } from '../core/refs/module.ts';
import type { Project } from '../core/refs/resolve-key.ts';
import { referencesIn, type Reference } from '../core/refs/scan.ts';
import { referencesInText } from '../core/refs/text.ts';
import { isNode } from '../core/refs/tree.ts';

/** What a look through the code of a repository found. */
export interface CodeReferences {
  readonly references: readonly Reference[];
  readonly scanned: { readonly parsed: number; readonly asText: number };
  /** Files that were not looked into, each with why. */
  readonly unread: readonly { readonly file: string; readonly why: string }[];
}

const PARSED = /\.(?:[cm]?[jt]s|[jt]sx)$/;
/** Languages in which flags are asked for; not documents, nor data. */
const AS_TEXT =
  /\.(?:go|py|rb|java|kt|kts|swift|cs|cshtml|razor|fs|vb|php|rs|scala|groovy|clj|cljs|ex|exs|heex|erl|hs|lua|pl|pm|r|jl|dart|m|mm|c|cc|cpp|h|sh|bash|sql|vue|svelte|astro|html|erb|hbs|ejs|pug|twig|liquid|j2|tmpl|mustache|jsp|mdx)$/;
const LARGEST = 1024 * 1024;

/** Looks through every file below `folder` that git knows or would add; what `.gitignore` names is left out, and what `slipway flag types` wrote. */
export async function scanRepository(folder: string, known: ReadonlySet<string>): Promise<CodeReferences> {
  const files = await filesOf(folder);
  const unread: { file: string; why: string }[] = [];
  const texts = new Map<string, string>();
  for (const file of files) {
    const text = await textOf(folder, file);
    if (typeof text === 'string') texts.set(file, text);
    else if (text !== null) unread.push({ file, why: text.why });
  }
  const { parseSync } = await import('oxc-parser');
  const modules = new Map<string, Module | null>();
  const moduleIn = (file: string): Module | null => {
    const before = modules.get(file);
    if (before !== undefined) return before;
    const text = texts.get(file);
    const made = text === undefined || !PARSED.test(file) ? null : parsed(parseSync, file, text);
    modules.set(file, made);
    return made;
  };
  const project: Project = { follow: (from, specifier) => followed(from, specifier, texts, moduleIn) };
  const references: Reference[] = [];
  const scanned = { parsed: 0, asText: 0 };
  for (const [file, text] of texts) {
    if (isAccessors(text)) continue;
    const module = moduleIn(file);
    scanned[module === null ? 'asText' : 'parsed']++;
    references.push(...(module === null ? referencesInText(file, text, known) : referencesIn(module, project, known)));
    if (module === null && PARSED.test(file)) unread.push({ file, why: 'it does not parse, so it was searched as text' });
  }
  return { references, scanned, unread };
}

/** @throws SlipwayError `not_possible_now` outside of a git repository */
async function filesOf(folder: string): Promise<readonly string[]> {
  const args = ['-C', folder, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  try {
    const { stdout } = await promisify(execFile)('git', args, { maxBuffer: 256 * 1024 * 1024 });
    const names = stdout.split('\0').filter((name) => PARSED.test(name) || AS_TEXT.test(name));
    return [...new Set(names)].toSorted();
  } catch (error) {
    throw new SlipwayError('not_possible_now', `The files of ${folder} cannot be listed: ${messageOf(error).split('\n')[0] ?? ''}`, {
      cause: error,
      hint: 'References are looked for in what git knows; run this inside of a git repository.',
    });
  }
}

/** The text; null for a file that is gone. */
async function textOf(folder: string, file: string): Promise<string | { readonly why: string } | null> {
  const at = path.join(folder, file);
  const found = await stat(at).catch(() => null);
  if (found === null || !found.isFile()) return null;
  if (found.size > LARGEST) return { why: `it has ${found.size} bytes, which is more than people write` };
  return readFile(at, 'utf8').catch((error: unknown) => ({ why: messageOf(error) }));
}

type Parse = (file: string, text: string) => { readonly program: unknown; readonly errors: readonly { readonly severity: string }[] };

/** Null when nothing of the file could be understood; one with a slip in it is read as far as the parser got. */
function parsed(parse: Parse, file: string, text: string): Module | null {
  const { program } = parse(file, text);
  if (!isNode(program)) return null;
  const { body } = program as { readonly body?: unknown };
  const isEmpty = Array.isArray(body) && body.length === 0 && text.trim() !== '';
  return isEmpty && !/^\s*\/[/*]/.test(text) ? null : moduleOf(file, text, program);
}

const ENDINGS = ['', '.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '/index.ts', '/index.tsx', '/index.js'];

/** The file a relative specifier leads to; `./a.js` may be written as `./a.ts`. */
function followed(
  from: string,
  specifier: string,
  texts: ReadonlyMap<string, string>,
  moduleIn: (file: string) => Module | null,
): Module | null {
  if (!specifier.startsWith('.')) return null;
  const base = path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier));
  const bases = [base, base.replace(/\.([cm]?)js(x?)$/, '.$1ts$2')];
  const file = bases.flatMap((one) => ENDINGS.map((ending) => one + ending)).find((name) => texts.has(name));
  return file === undefined ? null : moduleIn(file);
}
