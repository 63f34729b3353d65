import { byVersion } from '../../src/database/core/lint/measured-facts.ts';
import { STATEMENT_FACTS, TYPE_CHANGES } from '../../src/database/core/lint/measured.ts';
import { FORMS } from './forms.ts';
import { MEASURED_TYPES } from './types.ts';
import type { Measured } from './version.ts';

/** Facts by name, then by version. */
export interface Table {
  readonly statements: ReadonlyMap<string, ReadonlyMap<number, string>>;
  readonly types: ReadonlyMap<string, ReadonlyMap<number, string>>;
}

/** What is in the file now. */
export function recorded(): Table {
  return { statements: read(STATEMENT_FACTS), types: read(TYPE_CHANGES) };
}

function read(facts: Readonly<Record<string, string>>): ReadonlyMap<string, ReadonlyMap<number, string>> {
  return new Map(
    Object.entries(facts).map(([name, text]) => [
      name,
      new Map([...byVersion(text)].map(([version, words]) => [version, words.join(' ')])),
    ]),
  );
}

/** The file, with what was measured in the place of what was there for those versions. */
export function render(before: Table, measured: readonly Measured[]): string {
  const statements = Object.keys(FORMS).map(
    (name) => [name, merged(before.statements.get(name), measured, (one) => one.statements.get(name))] as const,
  );
  const changes = new Set([...before.types.keys(), ...measured.flatMap(({ types }) => [...types.keys()])]);
  const types = [...changes].sort().map((name) => [name, merged(before.types.get(name), measured, (one) => one.types.get(name))] as const);
  const versions = [...new Set(statements.flatMap(([, facts]) => [...facts.keys()]))].sort((a, b) => a - b);
  return [
    '/** Written by `npm run lock-table`, which runs these statements on real servers; edit scripts/lock-table/forms.ts instead. */',
    '',
    '/** Major versions that were measured. */',
    `export const VERSIONS: readonly [number, ...number[]] = [${versions.join(', ')}];`,
    '',
    '/** Strongest lock by relation (AE: ACCESS EXCLUSIVE and so on), what was read whole (scan), written anew (rewrite), which index was rebuilt. */',
    'export const STATEMENT_FACTS = {',
    ...statements.map(([name, facts]) => entry(name, ranges(facts))),
    '};',
    '',
    '/** Kinds of type change that do not rewrite the table: the cost for a plain column, indexed, with a CHECK, in an index expression. */',
    'export const TYPE_CHANGES: Readonly<Record<string, string>> = {',
    ...types.flatMap(([name, facts]) => (facts.size === 0 ? [] : [`  ${quoted(name)}: '${ranges(facts)}',`])),
    '};',
    '',
    '/** Types whose changes were measured, each with each. */',
    'export const MEASURED_TYPES: ReadonlySet<string> = new Set(',
    `  \`${wrapped(MEASURED_TYPES)}\`.split(/\\s+/),`,
    ');',
    '',
  ].join('\n');
}

/** Words in lines that the formatter leaves as they are. */
function wrapped(words: readonly string[]): string {
  const lines = [''];
  for (const word of words) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length > 110) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n   ');
}

/** As the formatter would leave it. */
function entry(name: string, facts: string): string {
  const line = `  ${quoted(name)}: '${facts}',`;
  return line.length <= 140 ? line : `  ${quoted(name)}:\n    '${facts}',`;
}

function quoted(name: string): string {
  return /^[a-z]+$/.test(name) ? name : `'${name}'`;
}

function merged(
  before: ReadonlyMap<number, string> | undefined,
  measured: readonly Measured[],
  find: (one: Measured) => string | undefined,
): ReadonlyMap<number, string> {
  const all = new Map(before ?? []);
  for (const one of measured) {
    const facts = find(one);
    if (facts === undefined) all.delete(one.major);
    else all.set(one.major, facts);
  }
  return all;
}

/** `11-14 target=AE; 15-18 target=SUE`. */
function ranges(facts: ReadonlyMap<number, string>): string {
  const parts: { first: number; last: number; text: string }[] = [];
  for (const [version, text] of [...facts].sort(([a], [b]) => a - b)) {
    const last = parts.at(-1);
    if (last !== undefined && last.text === text && last.last === version - 1) last.last = version;
    else parts.push({ first: version, last: version, text });
  }
  return parts.map(({ first, last, text }) => `${first === last ? first : `${first}-${last}`}${text === '' ? '' : ` ${text}`}`).join('; ');
}
