import { asOwn } from '../own.ts';
import type { BackfillChange } from './definition.ts';

/** A table and the columns it is walked along. */
export interface Walk {
  /** Quoted for SQL: `"public"."customers"`. */
  readonly table: string;
  readonly key: readonly KeyColumn[];
  /** A trigger or a rule may keep a row from being written without a word. */
  readonly guarded: boolean;
  /** Types of all columns by name, as `format_type` says them. */
  readonly types: ReadonlyMap<string, string>;
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
    text: asOwn(`SELECT ${asText(walk)} AS key FROM ${walk.table} WHERE ${text} ORDER BY ${columns(walk)} OFFSET $1 LIMIT 1`),
    values: [rows - 1, ...values],
  };
}

/** Which rows of a span need work. */
export interface Filter {
  readonly where: string;
  /** The backfill whose quarantined rows are left out; null leaves none out. */
  readonly quarantine: string | null;
}

function needing(walk: Walk, span: Span, { where, quarantine }: Filter): Query {
  const { text, values } = within(walk, span, 1);
  if (quarantine === null) return { text: `${text} AND (${where})`, values };
  const spared = `${asText(walk)} NOT IN (SELECT q.key FROM slipway_history.backfill_quarantine q WHERE q.name = $${values.length + 1})`;
  return { text: `${text} AND (${where}) AND ${spared}`, values: [...values, quarantine] };
}

/** Keys of the rows of the span that need work, locked; those that somebody else holds are left for a later pass. */
export function claimQuery(walk: Walk, span: Span, filter: Filter): Query {
  const { text, values } = needing(walk, span, filter);
  return {
    text: asOwn(`SELECT ${asText(walk)} AS key FROM ${walk.table} WHERE ${text} ORDER BY ${columns(walk)} FOR NO KEY UPDATE SKIP LOCKED`),
    values,
  };
}

/** Where a part of the table is, to be recorded by {@link directQuery}. */
export interface Move {
  readonly name: string;
  readonly fence: number;
  readonly range: number;
  readonly cursor: Key | null;
  readonly done: boolean;
  /** Rows the batch looked at; null where the table ended before: as many as it changed. */
  readonly scanned: number | null;
}

/**
 * A whole batch as one statement, and so one transaction: writes the rows of the span that need work, waiting for those that
 * somebody holds, and moves the cursor. It fails, and nothing of it is kept, where `where` stays true of a row that was written, a
 * row was kept from being written, or another run took over: a claimed batch then says which. Answers how many rows and what is wanted by now.
 */
export function directQuery(
  walk: Walk,
  span: Span,
  { filter, columns: set, move }: { readonly filter: Filter; readonly columns: Readonly<Record<string, string>>; readonly move: Move },
): Query {
  const { text, values } = needing(walk, span, filter);
  const at = (place: number): string => `$${values.length + place}`;
  const needed = walk.guarded ? ` AND told.changed = (SELECT count(*) FROM ${walk.table} WHERE ${text})` : '';
  return {
    text: asOwn(`WITH changed AS (
  UPDATE ${walk.table} SET ${assignments(set)} WHERE ${text} RETURNING (${filter.where}) IS TRUE AS again),
told AS (SELECT count(*) AS changed, coalesce(bool_or(again), false) AS again FROM changed),
moved AS (
  UPDATE slipway_history.backfill_range r SET cursor = coalesce(${at(4)}::text[], r.cursor), done = ${at(5)}, scanned = r.scanned + coalesce(${at(6)}::bigint, told.changed),
    changed = r.changed + told.changed, batches = r.batches + 1
  FROM slipway_history.backfill b, told WHERE r.name = ${at(1)} AND r.number = ${at(3)} AND b.name = r.name AND b.fence = ${at(2)} RETURNING b.wanted)
SELECT told.changed::float8 AS changed, (SELECT wanted FROM moved) AS wanted,
  1 / CASE WHEN NOT told.again AND EXISTS (SELECT FROM moved)${needed} THEN 1 ELSE 0 END AS kept FROM told`),
    values: [...values, move.name, move.fence, move.range, move.cursor, move.done, move.scanned],
  };
}

const assignments = (set: Readonly<Record<string, string>>): string =>
  Object.entries(set)
    .map(([name, expression]) => `${quoteName(name)} = (${expression})`)
    .join(', ');

/** The last key there is, where a walk that begins now is going to end. */
export function lastKeyQuery(walk: Walk): Query {
  const order = walk.key.map(({ name }) => `${quoteName(name)} DESC`).join(', ');
  return { text: asOwn(`SELECT ${asText(walk)} AS key FROM ${walk.table} ORDER BY ${order} LIMIT 1`), values: [] };
}

/** How many rows need work, those of the quarantine apart. */
export function leftQuery(walk: Walk, where: string, name: string): Query {
  const aside = `${asText(walk)} IN (SELECT q.key FROM slipway_history.backfill_quarantine q WHERE q.name = $1)`;
  return {
    text: asOwn(
      `SELECT count(*) FILTER (WHERE NOT aside)::float8 AS open, count(*) FILTER (WHERE aside)::float8 AS aside FROM (SELECT ${aside} AS aside FROM ${walk.table} WHERE (${where})) x`,
    ),
    values: [name],
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
  if (change.kind === 'statement') return { text: asOwn(change.sql.replaceAll('${batch}', keysOf(walk))), values };
  return {
    text: asOwn(
      `UPDATE ${walk.table} SET ${assignments(change.columns)} WHERE (${columns(walk)}) IN (${keysOf(walk)}) RETURNING CASE WHEN (${where}) THEN ${asText(walk)} END AS again`,
    ),
    values,
  };
}

/** Of these rows, the first for which `where` is true. */
export function stillQuery(walk: Walk, where: string, keys: readonly Key[]): Query {
  return {
    text: asOwn(`SELECT ${asText(walk)} AS again FROM ${walk.table} WHERE (${columns(walk)}) IN (${keysOf(walk)}) AND (${where}) LIMIT 1`),
    values: transposed(walk, keys),
  };
}

/** Under this name each row for a function carries its key: the order of two queries is no promise that their rows pair up. */
export const ROW_KEY = 'slipway_batch_key';

/** The claimed rows as objects, for a function. */
export function rowsQuery(walk: Walk, keys: readonly Key[]): Query {
  return {
    text: asOwn(
      `SELECT t.*, ${asText(walk)} AS ${ROW_KEY} FROM ${walk.table} t WHERE (${walk.key.map(({ name }) => `t.${quoteName(name)}`).join(', ')}) IN (${keysOf(walk)}) ORDER BY ${columns(walk)}`,
    ),
    values: transposed(walk, keys),
  };
}

/**
 * One row of a read by key, as an application does it; with a second column, for the server counts statements of one shape together and would
 * take an application's for this one.
 */
export function readQuery(walk: Walk, key: Key): Query {
  const equal = walk.key.map(({ name, type }, index) => `${quoteName(name)} = $${index + 1}::${type}`).join(' AND ');
  return { text: asOwn(`SELECT 1, 'slipway' FROM ${walk.table} WHERE ${equal}`), values: key };
}
