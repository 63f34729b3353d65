import { isJsonObject, type JsonValue } from '../../../kernel/pure.ts';

/** A value of a parameter as it is sent: text, nothing, or bytes in PostgreSQL's binary format, as hex. */
export type ParameterValue = string | null | { readonly hex: string };

const MARK = /^--\s*values:\s*(.*)$/;

/**
 * Values of the lines `-- values: ["a", 3, null]` right above a statement, one list for each time it is to be executed.
 * @param line of the file on which the statement begins, from 1
 * @returns a sentence when a line is none
 */
export function valuesAbove(file: string, line: number): readonly (readonly ParameterValue[])[] | string {
  const lines = file.split(/\r?\n/).map((one) => one.trim());
  let first = line - 1;
  while (first > 0 && (lines[first - 1] === '' || lines[first - 1]?.startsWith('--') === true)) first -= 1;
  const lists: (readonly ParameterValue[])[] = [];
  for (const one of lines.slice(first, line - 1)) {
    const given = MARK.exec(one)?.[1];
    if (given === undefined) continue;
    const list = read(given);
    if (list === null) return `"-- values: ${given}" is no list of values; write it like -- values: ["a", 3, null]`;
    lists.push(list);
  }
  return lists;
}

function read(text: string): readonly ParameterValue[] | null {
  let json: JsonValue;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
  if (!Array.isArray(json)) return null;
  const values = (json as readonly JsonValue[]).map(valueOf);
  return values.some((value) => value === undefined) ? null : (values as readonly ParameterValue[]);
}

function valueOf(json: JsonValue): ParameterValue | undefined {
  if (json === null || typeof json === 'string') return json;
  if (typeof json === 'number' || typeof json === 'boolean') return String(json);
  const hex = isJsonObject(json) ? json['hex'] : undefined;
  return typeof hex === 'string' && /^([0-9a-f]{2})*$/i.test(hex) ? { hex } : undefined;
}

/** The line that {@link valuesAbove} reads back. */
export function valuesLine(values: readonly ParameterValue[]): string {
  return `-- values: ${JSON.stringify(values)}`;
}

const TEXTS: Readonly<Record<string, string>> = {
  boolean: 'true',
  bytea: '\\x00',
  date: '2026-01-01',
  inet: '127.0.0.1',
  cidr: '127.0.0.0/8',
  macaddr: '08:00:2b:01:02:03',
  interval: '1 day',
  json: '{}',
  jsonb: '{}',
  uuid: '00000000-0000-4000-8000-000000000001',
  xml: '<a/>',
  tsvector: 'a',
  tsquery: 'a',
  point: '(0,0)',
  'time without time zone': '12:00',
  'time with time zone': '12:00+00',
  'timestamp without time zone': '2026-01-01 12:00',
  'timestamp with time zone': '2026-01-01 12:00+00',
  text: 'x',
  'character varying': 'x',
  character: 'x',
  citext: 'x',
  name: 'x',
  '"char"': 'x',
};
const NUMBERS = new Set(['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'money', 'oid']);

/** A value that a type takes, where no row has one; null for a type nobody thought of. */
export function inventedFor(type: string): string | null {
  if (type.endsWith('[]')) return '{}';
  if (NUMBERS.has(type)) return '1';
  if (type.endsWith('range')) return 'empty';
  return TEXTS[type] ?? null;
}

/** A value as the only element of an array. */
export function asArray(value: string): string {
  return `{"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"}`;
}
