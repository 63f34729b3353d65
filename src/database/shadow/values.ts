import type pg from 'pg';
import { inventedFor, asArray, type ParameterValue } from '../core/prove/values.ts';
import type { Parameter, Parameters } from '../core/prove/parameters.ts';
import type { Origin } from '../core/prove/answers.ts';
import { ident, literal } from '../server.ts';

/** Values to execute a statement with. */
export interface Values {
  readonly origin: Origin;
  readonly values: readonly ParameterValue[];
  /** Which of the recorded lists they are; null for others. */
  readonly list: number | null;
}

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  /** Part of a unique index. */
  readonly unique: boolean;
  /** `SELECT` of a value it may refer to, by its foreign key; null without one. */
  readonly refers: string | null;
  /** The first value of an enum. */
  readonly label: string | null;
}

/** How often other values are tried where some are taken already. */
const FRESH_TRIES = 3;

/**
 * Values for a statement's parameters out of rows that are in the database: of a row of its table, so that what belongs together stays
 * together; for an INSERT first with new ones where two rows must not share them. Invented where no row has any.
 * @param types of the parameters, as the server sees them
 */
export async function sampledValues(client: pg.Client, statement: Parameters, types: readonly string[]): Promise<readonly Values[]> {
  const columns = await readColumns(client, statement.tables);
  const rows = new Map<string, Readonly<Record<string, string | null>>>();
  for (const table of statement.tables) rows.set(table, await fullestRow(client, table, columns));
  const chosen: Chosen[] = [];
  for (const [index, type] of types.entries()) {
    const parameter = statement.parameters[index] ?? { number: index + 1, column: null, table: null, use: 'other' };
    const column = columnOf(parameter, columns, statement.tables);
    const found = column === null ? null : (rows.get(column.table)?.[column.name] ?? (await referred(client, column, 0)));
    const one = choose({ parameter, type }, column, found);
    if (one === null) return [];
    chosen.push(one);
  }
  const own: Values = {
    origin: chosen.some(({ invented }) => invented) ? 'invented' : 'row',
    values: chosen.map(({ value }) => value),
    list: null,
  };
  return chosen.every(({ unique }) => unique === null) ? [own] : [...(await renewed(client, chosen, own)), own];
}

interface Chosen {
  readonly value: string;
  readonly invented: boolean;
  /** The column of a unique index that it is written to. */
  readonly unique: Column | null;
}

/** Null for a type of which no value is known. */
function choose(
  { parameter, type }: { readonly parameter: Parameter; readonly type: string },
  column: Column | null,
  found: string | null,
): Chosen | null {
  const value = fitted(parameter, type, found) ?? column?.label ?? inventedFor(type);
  if (value === null) return null;
  return {
    value,
    invented: found === null && column !== null,
    unique: column?.unique === true && parameter.use === 'assigned' ? column : null,
  };
}

/** The same values with others where two rows must not share them. */
async function renewed(client: pg.Client, chosen: readonly Chosen[], { origin }: Values): Promise<readonly Values[]> {
  const tries: Values[] = [];
  for (let attempt = 0; attempt < FRESH_TRIES; attempt += 1) {
    const values: string[] = [];
    for (const { value, unique } of chosen) values.push((unique === null ? null : await freshValue(client, unique, attempt)) ?? value);
    tries.push({ origin: origin === 'row' ? 'fresh' : origin, values, list: null });
  }
  return tries;
}

/** A limit lets one row through; an array takes its element; what belongs to no column is made up. */
function fitted({ use }: Parameter, type: string, found: string | null): string | null {
  if (use === 'limit') return '1';
  if (use === 'offset') return '0';
  if (found === null) return null;
  return type.endsWith('[]') && !found.startsWith('{') ? asArray(found) : found;
}

function columnOf({ column, table }: Parameter, columns: readonly Column[], tables: readonly string[]): Column | null {
  if (column === null) return null;
  const candidates = columns.filter((one) => one.name === column && (table === null || one.table === table));
  return tables.flatMap((name) => candidates.filter((one) => one.table === name))[0] ?? null;
}

const COLUMNS = `SELECT t.name AS "table", a.attname AS name, format_type(a.atttypid, NULL) AS type,
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey)) AS unique,
  (SELECT format('SELECT %I::text AS value FROM %s ORDER BY %1$I DESC', r.attname, k.confrelid::regclass)
   FROM pg_constraint k JOIN pg_attribute r ON r.attrelid = k.confrelid AND r.attnum = k.confkey[array_position(k.conkey, a.attnum)]
   WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND a.attnum = ANY (k.conkey) LIMIT 1) AS refers,
  (SELECT e.enumlabel FROM pg_enum e WHERE e.enumtypid = a.atttypid ORDER BY e.enumsortorder LIMIT 1) AS label
FROM unnest($1::text[]) WITH ORDINALITY AS t (name, position) JOIN pg_attribute a ON a.attrelid = to_regclass(t.name)
WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY t.position, a.attnum`;

const quoted = (table: string): string => table.split('.').map(ident).join('.');

async function readColumns(client: pg.Client, tables: readonly string[]): Promise<readonly Column[]> {
  const { rows } = await client.query<Column>(COLUMNS, [tables.map(quoted)]);
  return rows.map((row) => ({ ...row, table: tables.find((name) => quoted(name) === row.table) ?? row.table }));
}

/** The row with the most values: what a column holds somewhere is worth more than that it may hold nothing. */
async function fullestRow(client: pg.Client, table: string, columns: readonly Column[]): Promise<Readonly<Record<string, string | null>>> {
  const own = columns.filter((column) => column.table === table).map(({ name }) => ident(name));
  if (own.length === 0) return {};
  const { rows } = await client.query<Record<string, string | null>>(
    `SELECT ${own.map((name) => `${name}::text AS ${name}`).join(', ')} FROM ${quoted(table)} ORDER BY num_nonnulls(${own.join(', ')}) DESC LIMIT 1`,
  );
  return rows[0] ?? {};
}

async function referred(client: pg.Client, { refers }: Column, offset: number): Promise<string | null> {
  if (refers === null) return null;
  const { rows } = await client.query<{ value: string | null }>(`${refers} LIMIT 1 OFFSET ${offset}`);
  return rows[0]?.value ?? null;
}

const NUMBER = /^(smallint|integer|bigint|numeric|real|double precision)$/;
const TEXT = /^(text|citext|character varying|name)$/;
const TIME = /^(date|timestamp)/;

/** A value that no row of the table has yet; null where the type gives none. */
async function freshValue(client: pg.Client, column: Column, attempt: number): Promise<string | null> {
  const { table, name, type, refers } = column;
  // One of the rows it refers to must be there.
  if (refers !== null) return referred(client, column, attempt);
  const next = NUMBER.test(type)
    ? `coalesce(max(${ident(name)}), 0) + ${attempt + 1}`
    : TEXT.test(type)
      ? `max(${ident(name)}) || ${literal('x'.repeat(attempt + 1))}`
      : TIME.test(type)
        ? `max(${ident(name)}) + interval '${attempt + 1} day'`
        : type === 'uuid'
          ? 'gen_random_uuid()'
          : null;
  if (next === null) return null;
  const { rows } = await client.query<{ value: string | null }>(`SELECT (${next})::text AS value FROM ${quoted(table)}`);
  return rows[0]?.value ?? null;
}
