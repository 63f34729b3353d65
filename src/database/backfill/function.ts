import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import { messageOf, SlipwayError } from '../../kernel/index.ts';
import { quoteName, ROW_KEY, rowsQuery, type Key, type Walk } from '../core/backfill/sql.ts';
import { asOwn } from '../core/own.ts';

/** One row as the driver reads it. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * The default export of a backfill's module: for each row, in the same order, the columns to write (null leaves the row as it
 * is, and then its condition must not be true of it for ever). It may be asynchronous, but a transaction is open while it works.
 */
export type RowFunction = (rows: readonly Row[]) => readonly (Row | null)[] | Promise<readonly (Row | null)[]>;

/** The user's function threw or answered something that is no list of rows. */
export class RowFunctionError extends Error {}

/**
 * Loads the function, with its source for the digest.
 * @throws SlipwayError `config_invalid` when the file is not there, does not load or exports no function
 */
export async function loadRowFunction(file: string): Promise<{ readonly compute: RowFunction; readonly source: string }> {
  const refuse = (why: string, cause?: unknown): SlipwayError =>
    new SlipwayError('config_invalid', `The function ${file} ${why}`, {
      cause,
      hint: 'A backfill function is a module (.ts, .mts, .js, .mjs) whose default export takes rows and answers rows.',
    });
  const source = await readFile(file, 'utf8').catch((error: unknown) => {
    throw refuse(`cannot be read: ${messageOf(error)}`, error);
  });
  const module = (await import(pathToFileURL(file).href).catch((error: unknown) => {
    throw refuse(`does not load: ${messageOf(error)}`, error);
  })) as { readonly default?: unknown };
  if (typeof module.default !== 'function') throw refuse('has no function as its default export');
  return { compute: module.default as RowFunction, source };
}

/** Reads the rows, lets the function work them out, and writes what it answered with one statement per set of columns. */
export async function changeByFunction(client: pg.Client, walk: Walk, compute: RowFunction, keys: readonly Key[]): Promise<void> {
  const { text, values } = rowsQuery(walk, keys);
  const { rows: read } = await client.query<Row & { readonly [ROW_KEY]: Key }>({ text, values: [...values] });
  const rows = read.map(({ [ROW_KEY]: _key, ...row }): Row => row);
  // The function may change what it was given in place.
  const before = structuredClone(rows);
  const answers = await answersOf(compute, rows);
  const changes = answers.map((answer, index) => ({ answer: changesOf(answer, before[index] ?? {}), key: read[index]?.[ROW_KEY] ?? [] }));
  for (const group of byColumns(changes)) {
    const names = Object.keys(group[0]?.answer ?? {});
    if (names.length === 0) continue;
    // The key as PostgreSQL printed it: the driver's own types would lose microseconds and large numbers.
    const given = group.map(({ answer, key }) => ({ ...answer, [ROW_KEY]: key }));
    await client.query(writeText(walk, names), [asJson(given)]);
  }
}

interface Answer {
  readonly answer: Row;
  readonly key: Key;
}

/** Answers that write the same columns go into one statement. */
function byColumns(answers: readonly Answer[]): readonly (readonly Answer[])[] {
  const groups = new Map<string, Answer[]>();
  for (const one of answers) {
    const columns = Object.keys(one.answer).toSorted().join('\0');
    const group = groups.get(columns);
    if (group === undefined) groups.set(columns, [one]);
    else group.push(one);
  }
  return [...groups.values()];
}

/**
 * PostgreSQL itself turns JSON into the types of the columns, of those alone that are written: a type may refuse the null of one that is not.
 * @throws SlipwayError `config_invalid` for a column that the table does not have
 */
function writeText({ table, key, types }: Walk, names: readonly string[]): string {
  const columns = names.map((name) => {
    const type = types.get(name);
    if (type === undefined) throw new SlipwayError('config_invalid', `The function answers a column ${name}, which ${table} does not have`);
    return `${quoteName(name)} ${type}`;
  });
  const set = names.map((name) => `${quoteName(name)} = given.${quoteName(name)}`).join(', ');
  // Read as a text first: what is printed of a jsonb is not the JSON text of it.
  const same = key.map(({ name, type }, index) => `t.${quoteName(name)} = given.${ROW_KEY}[${index + 1}]::${type}`).join(' AND ');
  const given = [...columns, `${ROW_KEY} text[]`].join(', ');
  return asOwn(`UPDATE ${table} t SET ${set} FROM jsonb_to_recordset($1::jsonb) AS given (${given}) WHERE ${same}`);
}

async function answersOf(compute: RowFunction, rows: readonly Row[]): Promise<readonly unknown[]> {
  let answers: unknown;
  try {
    answers = await compute(rows);
  } catch (error) {
    throw new RowFunctionError(messageOf(error), { cause: error });
  }
  if (!Array.isArray(answers) || answers.length !== rows.length)
    throw new RowFunctionError(`it must answer a list of as many rows as it was given (${rows.length})`);
  return answers as readonly unknown[];
}

/** What an answer changes. A value that was only handed on is not written: the driver's types do not hold all of it (microseconds). */
function changesOf(answer: unknown, before: Row): Row {
  if (answer === null) return {};
  if (typeof answer !== 'object' || Array.isArray(answer)) throw new RowFunctionError('it must answer an object, or null, for each row');
  const changed = Object.entries(answer).filter(([name, value]) => value !== undefined && !isDeepStrictEqual(value, before[name]));
  return Object.fromEntries(changed.map(([name, value]) => [name, writable(name, value)]));
}

/** A value as JSON holds it and PostgreSQL reads it. */
function writable(name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  const broken = value instanceof Date ? Number.isNaN(value.getTime()) : typeof value === 'number' && !Number.isFinite(value);
  if (broken) throw new RowFunctionError(`it answered ${String(value)} for ${name}`);
  return value instanceof Date ? localTime(value) : value;
}

/** With the offset of this machine, as the driver reads and writes it: a type without a zone then keeps its wall clock. */
function localTime(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const wall = new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, -1);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${wall}${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
}

function asJson(rows: readonly Row[]): string {
  try {
    return JSON.stringify(rows);
  } catch (error) {
    throw new RowFunctionError(messageOf(error), { cause: error });
  }
}
