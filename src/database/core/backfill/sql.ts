import type { BackfillChange } from './definition.ts';

/** A table and the columns it is walked along. */
export interface Walk {
  /** Quoted for SQL: `"public"."customers"`. */
  readonly table: string;
  readonly key: readonly KeyColumn[];
}

export interface KeyColumn {
  readonly name: string;
  /** As `format_type` says it: `bigint`, `character varying(40)`. */
  readonly type: string;
}

/** Values of the key columns as PostgreSQL prints them. */
export type Key = readonly string[];

/** Rows after `after` up to and with `until`; null means no bound on that side. */
export interface Span {
  readonly after: Key | null;
  readonly until: Key | null;
}

/** A statement with its parameters. */
export interface Query {
  readonly text: string;
  readonly values: readonly unknown[];
}

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const columns = ({ key }: Walk): string => key.map(({ name }) => quoteName(name)).join(', ');
const asText = ({ key }: Walk): string => `ARRAY[${key.map(({ name }) => `${quoteName(name)}::text`).join(', ')}]`;

/** `(a, b) > ($1::int, $2::text)`; the index of the key answers it as one range. */
function bound({ key }: Walk, sign: '>' | '<=', first: number): string {
  const row = key.map(({ name }) => quoteName(name)).join(', ');
  return `(${row}) ${sign} (${key.map(({ type }, index) => `$${first + index}::${type}`).join(', ')})`;
}

function within(walk: Walk, { after, until }: Span, first: number): Query {
  const parts = [
    ...(after === null ? [] : [bound(walk, '>', first)]),
    ...(until === null ? [] : [bound(walk, '<=', first + (after?.length ?? 0))]),
  ];
  return { text: parts.length === 0 ? 'true' : parts.join(' AND '), values: [...(after ?? []), ...(until ?? [])] };
}

/** The key of the `rows`-th row of the span, so that a batch is bounded however few of its rows need work. No row: the span is shorter. */
export function boundaryQuery(walk: Walk, span: Span, rows: number): Query {
  const { text, values } = within(walk, span, 2);
  return {
    text: `SELECT ${asText(walk)} AS key FROM ${walk.table} WHERE ${text} ORDER BY ${columns(walk)} OFFSET $1 LIMIT 1`,
    values: [rows - 1, ...values],
  };
}

/** Keys of the rows of the span that need work, locked; those that somebody else holds are left for a later pass. */
export function claimQuery(walk: Walk, span: Span, filter: { readonly where: string; readonly quarantine: string | null }): Query {
  const { text, values } = within(walk, span, 1);
  const spared =
    filter.quarantine === null
      ? ''
      : ` AND ${asText(walk)} NOT IN (SELECT q.key FROM slipway_history.backfill_quarantine q WHERE q.name = $${values.length + 1})`;
  return {
    text: `SELECT ${asText(walk)} AS key FROM ${walk.table} WHERE ${text} AND (${filter.where})${spared} ORDER BY ${columns(walk)} FOR NO KEY UPDATE SKIP LOCKED`,
    values: [...values, ...(filter.quarantine === null ? [] : [filter.quarantine])],
  };
}

/** A subquery of the keys in `$1` (one array of text per column from `$1` on). */
function keysOf({ key }: Walk): string {
  const arrays = key.map((_column, index) => `$${index + 1}::text[]`).join(', ');
  const names = key.map((_column, index) => `k${index}`);
  const cast = key.map(({ type }, index) => `k${index}::${type}`).join(', ');
  return `SELECT ${cast} FROM unnest(${arrays}) AS slipway_batch (${names.join(', ')})`;
}

const transposed = ({ key }: Walk, keys: readonly Key[]): readonly (readonly string[])[] =>
  key.map((_column, index) => keys.map((one) => one[index] ?? ''));

/** Writes the claimed rows; answers how many, and the first of those for which `where` stays true. */
export function changeQuery(walk: Walk, change: Exclude<BackfillChange, { kind: 'function' }>, where: string, keys: readonly Key[]): Query {
  const values = transposed(walk, keys);
  if (change.kind === 'statement') return { text: change.sql.replaceAll('${batch}', keysOf(walk)), values };
  const set = Object.entries(change.columns)
    .map(([name, expression]) => `${quoteName(name)} = (${expression})`)
    .join(', ');
  return {
    text: `UPDATE ${walk.table} SET ${set} WHERE (${columns(walk)}) IN (${keysOf(walk)}) RETURNING CASE WHEN (${where}) THEN ${asText(walk)} END AS again`,
    values,
  };
}

/** Of these rows, the first for which `where` is true. */
export function stillQuery(walk: Walk, where: string, keys: readonly Key[]): Query {
  return {
    text: `SELECT ${asText(walk)} AS again FROM ${walk.table} WHERE (${columns(walk)}) IN (${keysOf(walk)}) AND (${where}) LIMIT 1`,
    values: transposed(walk, keys),
  };
}

/** Under this name each row for a function carries its key: the order of two queries is no promise that their rows pair up. */
export const ROW_KEY = 'slipway_batch_key';

/** The claimed rows as objects, for a function. */
export function rowsQuery(walk: Walk, keys: readonly Key[]): Query {
  return {
    text: `SELECT t.*, ${asText(walk)} AS ${ROW_KEY} FROM ${walk.table} t WHERE (${walk.key.map(({ name }) => `t.${quoteName(name)}`).join(', ')}) IN (${keysOf(walk)}) ORDER BY ${columns(walk)}`,
    values: transposed(walk, keys),
  };
}

/** One row of a read by key, as an application does it. */
export function readQuery(walk: Walk, key: Key): Query {
  const equal = walk.key.map(({ name, type }, index) => `${quoteName(name)} = $${index + 1}::${type}`).join(' AND ');
  return { text: `SELECT 1 FROM ${walk.table} WHERE ${equal}`, values: key };
}
