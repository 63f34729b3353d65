import type { JsonObject } from '../../../kernel/pure.ts';
import { columnType, typeText, type ColumnType } from '../lint/type-change.ts';
import { children, nameParts } from '../tree.ts';
import type { Loss } from './losses.ts';
import { quoted, relation } from './names.ts';

/** A change of a column's type, to be counted once its present type is known. */
export interface TypeChange {
  readonly table: string;
  readonly column: string;
  readonly to: JsonObject;
  /** With `USING`, unless that is nothing but the cast itself. */
  readonly computed: boolean;
}

type Counted = Pick<Loss, 'kind' | 'what' | 'sql'>;

const INTEGERS: Readonly<Record<string, readonly [least: string, most: string]>> = {
  int2: ['-32768', '32767'],
  int4: ['-2147483648', '2147483647'],
  int8: ['-9223372036854775808', '9223372036854775807'],
};
const NUMBERS = new Set(['int2', 'int4', 'int8', 'numeric', 'float4', 'float8']);
const TEXTS = new Set(['text', 'varchar', 'bpchar', 'name', 'citext']);
const TIMES = new Set(['date', 'timestamp', 'timestamptz', 'time', 'timetz']);

/**
 * What a change of type loses or is refused for.
 * @param from the column's present type; null where nobody knows it
 * @param soft whether the server can try a value without failing (`pg_input_is_valid`, from PostgreSQL 16)
 */
export function typeLosses({ table, column, to, computed }: TypeChange, from: ColumnType | null, soft: boolean): readonly Counted[] {
  const target = columnType(to);
  const type = typeSql(to);
  const at = `values of ${table}.${column}`;
  const unknown: Counted = { kind: 'refused', what: `${at} that do not fit the new type`, sql: null };
  if (from === null || target === null || type === null || from.array || target.array || computed) return [unknown];
  if (survives(from, target)) return [];
  const name = quoted(column);
  const refused = refusedWhen(name, { from, target, type }, soft);
  if (refused === null) return [unknown];
  const count = (where: string): string => `SELECT count(*)::float8 AS rows FROM ${relation(table)} WHERE ${where}`;
  const lost = changedWhen(name, { from, target, type });
  return [
    ...(refused === 'false' ? [] : [{ kind: 'refused' as const, what: `${at} that do not fit the new type`, sql: count(refused) }]),
    ...(lost === null
      ? []
      : [
          {
            kind: 'lost' as const,
            what: `${at} that the new type cuts short`,
            sql: count(`CASE WHEN ${refused} THEN false ELSE ${lost} END`),
          },
        ]),
  ];
}

interface Change {
  readonly from: ColumnType;
  readonly target: ColumnType;
  /** As SQL. */
  readonly type: string;
}

const ORDER = ['int2', 'int4', 'int8'];
/** Of these one without a size takes every value of its kind. */
const ENDLESS = new Set(['numeric', 'varchar', ...TIMES]);

/** Is every value of the one a value of the other, whatever it is? */
function survives(from: ColumnType, to: ColumnType): boolean {
  const same = from.base === to.base && from.modifiers.join() === to.modifiers.join();
  if (same || (to.base === 'text' && from.base !== 'bpchar')) return true;
  if (ORDER.includes(from.base) || from.base === 'float4') return isWiderNumber(from, to);
  const kin = from.base === to.base || (TEXTS.has(from.base) && to.base === 'varchar');
  return kin && (to.modifiers.length === 0 ? ENDLESS.has(to.base) : wider(from, to));
}

function isWiderNumber(from: ColumnType, to: ColumnType): boolean {
  if (from.base === 'float4') return to.base === 'float8';
  return ORDER.indexOf(to.base) >= ORDER.indexOf(from.base) || (to.base === 'numeric' && to.modifiers.length === 0);
}

function wider({ modifiers: [size, scale = 0] }: ColumnType, { base, modifiers: [most = 0, digits = 0] }: ColumnType): boolean {
  if (size === undefined) return false;
  return base === 'numeric' ? digits >= scale && most - digits >= size - scale : most >= size;
}

/** SQL that is true for a value that makes the statement fail; `false` where none does, null where that cannot be asked. */
function refusedWhen(name: string, { from, target, type }: Change, soft: boolean): string | null {
  if (NUMBERS.has(from.base) && NUMBERS.has(target.base)) return numberRefused(name, target);
  // Blanks beyond the length are cut off without a word.
  if ((target.base === 'varchar' || target.base === 'bpchar') && target.modifiers.length > 0)
    return `substr(${name}::text, ${(target.modifiers[0] ?? 0) + 1}) ~ '[^ ]'`;
  if (TIMES.has(from.base) && TIMES.has(target.base)) return 'false';
  return soft && TEXTS.has(from.base) ? `NOT pg_input_is_valid(${name}::text, '${type.replaceAll("'", "''")}')` : null;
}

function numberRefused(name: string, { base, modifiers: [most, digits = 0] }: ColumnType): string | null {
  const range = INTEGERS[base];
  if (range !== undefined) return `round(${name}::numeric) NOT BETWEEN ${range[0]} AND ${range[1]}`;
  if (base === 'numeric') return most === undefined ? 'false' : `abs(round(${name}::numeric, ${digits})) >= 10::numeric ^ ${most - digits}`;
  return base === 'float8' ? 'false' : null;
}

/** SQL that is true for a value that comes out as another; null where none does. */
function changedWhen(name: string, { from, target, type }: Change): string | null {
  const both = (set: ReadonlySet<string>): boolean => set.has(from.base) && set.has(target.base);
  if (both(NUMBERS)) return `(${name}::${type})::numeric <> ${name}::numeric`;
  if (both(TIMES)) return from.base === target.base || target.base !== 'timetz' ? `(${name}::${type})::${typeText(from)} <> ${name}` : null;
  return null;
}

/** A type as it may be written behind `::`; null for one whose size is no plain number. */
export function typeSql(node: JsonObject): string | null {
  const known = columnType(node);
  if (known === null) return null;
  const name = nameParts(children(node, 'names')).map(quoted).join('.');
  const size = known.modifiers.length === 0 ? '' : `(${known.modifiers.join(',')})`;
  return `${name}${size}${known.array ? '[]' : ''}`;
}
