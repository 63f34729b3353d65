import type { JsonObject } from '../../../kernel/pure.ts';
import { child, children, isSet, relationName, textOf } from '../tree.ts';
import type { Loss } from './losses.ts';
import { quoted, relation } from './names.ts';

/** What belongs into a partition, as far as it is written in so many words; null where it is computed, or hashed. */
export type Bound =
  /** SQL of the ends; null where there is none. */
  | { readonly kind: 'range'; readonly from: string | null; readonly to: string | null }
  | { readonly kind: 'list'; readonly values: readonly string[]; readonly nulls: boolean }
  | null;

/** A new partition of a table that was there. */
export interface NewPartition {
  readonly parent: string;
  readonly bound: Bound;
  /** The table that becomes one; null where it is made. */
  readonly attached: string | null;
}

/** Rows that a new partition is refused for: those of it that do not belong into it, and those of the default one that do. */
export function partitionLoss(partition: NewPartition, line: number): Loss {
  const what = `rows of ${partition.parent} that are in the wrong partition for the new one`;
  return { line, kind: 'refused', what, sql: null, find: { kind: 'partition', ...partition } };
}

/** The partition that a statement makes; null for one that makes none. @param bound its `partbound` or `bound` */
export function newPartition(bound: JsonObject, parent: JsonObject, attached: string | null): NewPartition | null {
  if (isSet(bound, 'is_default')) return null;
  return { parent: relationName(parent), bound: boundOf(bound), attached };
}

function boundOf(bound: JsonObject): Bound {
  if (textOf(bound, 'strategy') === 'l') {
    const values = children(bound, 'listdatums');
    const nulls = values.some((one) => child(one, 'A_Const')['isnull'] === true);
    const texts = values.filter((one) => child(one, 'A_Const')['isnull'] !== true).map(constant);
    return texts.includes(null) ? null : { kind: 'list', values: texts.filter((one) => one !== null), nulls };
  }
  const [from, ...more] = children(bound, 'lowerdatums').map(end);
  const [to] = children(bound, 'upperdatums').map(end);
  if (textOf(bound, 'strategy') !== 'r' || from === undefined || to === undefined || more.length > 0) return null;
  return from === UNTOLD || to === UNTOLD ? null : { kind: 'range', from, to };
}

const UNTOLD = 'untold';

/** One end of a range: null for MINVALUE and MAXVALUE. */
function end(node: JsonObject): string | null {
  const [name] = children(child(node, 'ColumnRef'), 'fields').map((one) => textOf(child(one, 'String'), 'sval'));
  if (name === 'minvalue' || name === 'maxvalue') return null;
  return constant(node) ?? UNTOLD;
}

/** A value as SQL; null for what is none. */
function constant(node: JsonObject): string | null {
  const value = child(node, 'A_Const');
  const text = child(value, 'sval')['sval'];
  if (value['sval'] !== undefined) return `'${(typeof text === 'string' ? text : '').replaceAll("'", "''")}'`;
  const whole = child(value, 'ival')['ival'];
  // The tree leaves out a zero.
  if (value['ival'] !== undefined) return `${typeof whole === 'number' ? whole : 0}`;
  const number = child(value, 'fval')['fval'];
  return typeof number === 'string' ? number : null;
}

/**
 * Counts them, once the catalog has told the column of the key and the default partition.
 * @param column of the key; null where it is more than one, or computed
 * @param rest the default partition as SQL; null where there is none
 */
export function partitionSql({ bound, attached }: NewPartition, column: string | null, rest: string | null): string | null {
  if (attached === null && rest === null) return 'SELECT 0::float8 AS rows';
  if (bound === null || column === null) return null;
  const name = quoted(column);
  const belongs = `(${bound.kind === 'list' ? listed(name, bound) : ranged(name, bound)})`;
  const counts = [
    ...(attached === null ? [] : [`(SELECT count(*) FROM ${relation(attached)} WHERE ${belongs} IS NOT TRUE)`]),
    ...(rest === null ? [] : [`(SELECT count(*) FROM ${rest} WHERE ${belongs})`]),
  ];
  return `SELECT (${counts.join(' + ')})::float8 AS rows`;
}

function listed(name: string, { values, nulls }: Extract<Bound, { kind: 'list' }>): string {
  const parts = [...(values.length === 0 ? [] : [`${name} IN (${values.join(', ')})`]), ...(nulls ? [`${name} IS NULL`] : [])];
  return parts.join(' OR ');
}

function ranged(name: string, { from, to }: Extract<Bound, { kind: 'range' }>): string {
  return [`${name} IS NOT NULL`, ...(from === null ? [] : [`${name} >= ${from}`]), ...(to === null ? [] : [`${name} < ${to}`])].join(
    ' AND ',
  );
}
