import { child, children, nameParts } from '../tree.ts';
import type { Statement } from '../types.ts';
import { quoted } from './fixes.ts';

/** A column's type as far as a change of it is judged. */
export interface ColumnType {
  /** PostgreSQL's own short name (`int4`, `varchar`), or the name as written of a type that is not its own. */
  readonly base: string;
  readonly modifiers: readonly number[];
  readonly array: boolean;
}

const SHORT: Readonly<Record<string, string>> = {
  serial: 'int4',
  serial4: 'int4',
  bigserial: 'int8',
  serial8: 'int8',
  smallserial: 'int2',
  serial2: 'int2',
  int: 'int4',
  integer: 'int4',
  bigint: 'int8',
  smallint: 'int2',
  boolean: 'bool',
  real: 'float4',
  decimal: 'numeric',
  char: 'bpchar',
  character: 'bpchar',
};

/** How the tree writes an interval of years to seconds. */
const ALL_FIELDS = 0x7f_ff;

/** Times keep six digits unless told otherwise. */
const MOST_DIGITS = 6;
const TIMES: ReadonlySet<string> = new Set(['timestamp', 'timestamptz', 'time', 'timetz', 'interval']);
const LENGTHS: ReadonlySet<string> = new Set(['varchar', 'bpchar', 'varbit', 'bit']);

/** The type of a TypeName node; null when a modifier of it cannot be read as a number. */
export function columnType(type: Statement['node']): ColumnType | null {
  const parts = nameParts(children(type, 'names'));
  const own = parts.length < 2 || parts[0] === 'pg_catalog';
  const written = own ? (parts.at(-1) ?? '') : parts.join('.');
  const base = own ? (SHORT[written] ?? written) : written;
  const numbers = children(type, 'typmods').map((one) => integerOf(child(one, 'A_Const')));
  // The digits of an interval stand behind its fields; all of them is no choice.
  const modifiers = base === 'interval' && numbers[0] === ALL_FIELDS ? numbers.slice(1) : numbers;
  if (modifiers.some((one) => one === null) || (base === 'interval' && modifiers.length > 1)) return null;
  return { base, modifiers: usual(base, modifiers as readonly number[]), array: children(type, 'arrayBounds').length > 0 };
}

function integerOf(constant: Statement['node']): number | null {
  const value = constant['ival'];
  if (value === undefined) return null;
  const number = child(constant, 'ival')['ival'];
  // A zero is a default of the tree and left out.
  return typeof number === 'number' ? number : 0;
}

/** `char` is `char(1)`, `numeric(10)` is `numeric(10,0)`, `timestamp(6)` is `timestamp`. */
function usual(base: string, modifiers: readonly number[]): readonly number[] {
  if (base === 'numeric' && modifiers.length === 1) return [...modifiers, 0];
  if (TIMES.has(base) && (modifiers[0] ?? MOST_DIGITS) >= MOST_DIGITS) return [];
  return modifiers;
}

/** What kind of change it is: the name under which its cost was measured. Null for no change at all. */
export function typeChange(from: ColumnType, to: ColumnType): string | null {
  const [left, right] = [label(from), label(to)];
  if (from.base !== to.base || from.array !== to.array) return `${left} -> ${right}`;
  if (from.modifiers.join() === to.modifiers.join()) return null;
  const named = `${from.base}${from.array ? '[]' : ''}`;
  return `${named} ${direction(from, to)}`;
}

function label({ base, modifiers, array }: ColumnType): string {
  return `${base}${modifiers.length > 0 ? '(n)' : ''}${array ? '[]' : ''}`;
}

function direction({ base, modifiers: from }: ColumnType, { modifiers: to }: ColumnType): string {
  const ends = TIMES.has(base) ? [from[0] ?? MOST_DIGITS, to[0] ?? MOST_DIGITS] : [from[0], to[0]];
  const [before, after] = ends;
  if (after === undefined) return 'unlimited';
  if (before === undefined) return 'limited';
  if (from[1] !== to[1]) return 'rescaled';
  return after > before ? 'wider' : 'narrower';
}

/** May values be lost or refused? Only for changes that are one of these for certain. */
export function narrows(from: ColumnType, to: ColumnType): boolean {
  const change = typeChange(from, to);
  if (change === null || from.array !== to.array) return false;
  if (from.base === to.base) return /(?: narrower| limited| rescaled)$/.test(change);
  const size = (base: string): number => SIZES.indexOf(base);
  if (size(from.base) >= 0 && size(to.base) >= 0) return size(to.base) < size(from.base);
  return LENGTHS.has(to.base) && to.modifiers.length > 0;
}

const SIZES = ['int2', 'int4', 'int8', 'numeric'];

/** `varchar(20)`, as SQL. */
export function typeText({ base, modifiers, array }: ColumnType): string {
  return `${quoted(base)}${modifiers.length > 0 ? `(${modifiers.join(',')})` : ''}${array ? '[]' : ''}`;
}

/** A type's words as a TypeName's fields would give them; for what a catalog says. */
export function typeOfText(text: string): ColumnType | null {
  const [, written = '', modifiers = '', suffix = '', brackets = ''] =
    /^([a-z_][a-z0-9_. ]*?)\s*(?:\(([\d,\s]+)\))?\s*((?:with|without) time zone)?(\[\])*$/i.exec(text.trim()) ?? [];
  if (written === '') return null;
  const words = `${written.toLowerCase()}${suffix === '' ? '' : ` ${suffix.toLowerCase()}`}`;
  const base = SPELT[words] ?? SHORT[words] ?? words;
  const numbers = modifiers === '' ? [] : modifiers.split(',').map(Number);
  return { base, modifiers: usual(base, numbers), array: brackets !== '' };
}

const SPELT: Readonly<Record<string, string>> = {
  'character varying': 'varchar',
  'bit varying': 'varbit',
  'double precision': 'float8',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
};
