import type { ClaimedColumn, ClaimedEnum, ClaimedTable, Claims } from './types.ts';

const TYPES: Readonly<Record<string, string>> = {
  string: 'varchar',
  text: 'text',
  integer: 'integer',
  bigint: 'bigint',
  float: 'double precision',
  decimal: 'numeric',
  datetime: 'timestamp without time zone',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
  date: 'date',
  time: 'time without time zone',
  boolean: 'boolean',
  json: 'json',
  jsonb: 'jsonb',
  uuid: 'uuid',
  binary: 'bytea',
  inet: 'inet',
  cidr: 'cidr',
  citext: 'citext',
  hstore: 'hstore',
  tsvector: 'tsvector',
  interval: 'interval',
  xml: 'xml',
};
const NO_COLUMN = new Set(['index', 'check_constraint', 'exclusion_constraint', 'unique_constraint', 'foreign_key']);

interface Open {
  readonly name: string;
  readonly line: number;
  readonly columns: ClaimedColumn[];
  whole: boolean;
}

interface Reading {
  readonly tables: ClaimedTable[];
  readonly enums: ClaimedEnum[];
  readonly unclear: { line: number; what: string }[];
  open: Open | null;
}

/** Reads the `create_table` and `create_enum` that Rails writes into schema.rb; what it does not understand is unclear. */
export function readRailsSchema(text: string): Claims {
  const reading: Reading = { tables: [], enums: [], unclear: [], open: null };
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const bare = raw.trim();
    if (bare === '' || bare.startsWith('#')) continue;
    if (reading.open === null) outside(reading, bare, index + 1);
    else inside(reading, reading.open, { bare, line: index + 1 });
  }
  const { tables, enums, unclear } = reading;
  return { tables, enums, whole: true, unclear };
}

function outside(reading: Reading, bare: string, line: number): void {
  const [, name, options = ''] = /^create_table "([^"]+)"(.*) do \|t\|$/.exec(bare) ?? [];
  const made = enumIn(bare, line);
  if (name !== undefined) reading.open = { name, line, columns: keyOf(options, line), whole: true };
  else if (made !== null) reading.enums.push(made);
  else if (/^create_table\b/.test(bare)) reading.unclear.push({ line, what: 'a table in a form that is not understood' });
}

function inside(reading: Reading, open: Open, { bare, line }: { readonly bare: string; readonly line: number }): void {
  if (bare === 'end') {
    reading.tables.push({ names: [open.name], columns: open.columns, whole: open.whole, line: open.line });
    reading.open = null;
    return;
  }
  const column = columnIn(bare, line);
  if (column === undefined) {
    open.whole = false;
    reading.unclear.push({ line, what: `"${bare.slice(0, 60)}" is not understood` });
  } else if (column !== null) open.columns.push(column);
}

/** Every table has a key of its own, unless it says otherwise. */
function keyOf(options: string, line: number): ClaimedColumn[] {
  if (/\bid: false\b/.test(options) || /primary_key: \[/.test(options)) return [];
  const name = /primary_key: "([^"]+)"/.exec(options)?.[1] ?? 'id';
  const given = /\bid: (?::(\w+)|\{\s*type: :(\w+))/.exec(options);
  const word = given?.[1] ?? given?.[2] ?? 'bigint';
  const type = word === 'serial' ? 'integer' : (TYPES[word] ?? null);
  return [{ names: [name], kind: null, type, nullable: false, line }];
}

/** Null for what is no column, undefined for what is not understood. */
function columnIn(text: string, line: number): ClaimedColumn | null | undefined {
  const [, method = '', name, options = ''] = /^t\.(\w+) (?:"([^"]+)")?(.*)$/.exec(text) ?? [];
  if (NO_COLUMN.has(method)) return null;
  if (name === undefined) return undefined;
  const array = /\barray: true\b/.test(options);
  const shared = { names: [name], nullable: !/\bnull: false\b/.test(options), line };
  if (method === 'enum') return { ...shared, kind: array ? 'array' : 'enum', type: null };
  const type = typeOf(method, options);
  if (type === undefined) return undefined;
  return { ...shared, kind: null, type: `${sized(type, options)}${array ? '[]' : ''}` };
}

function typeOf(method: string, options: string): string | undefined {
  return TYPES[method === 'virtual' ? (/\btype: :(\w+)/.exec(options)?.[1] ?? '') : method];
}

const INTEGERS: Readonly<Record<string, string>> = { 2: 'smallint', 8: 'bigint' };

function sized(type: string, options: string): string {
  const number = (key: string): string => new RegExp(`\\b${key}: (\\d+)`).exec(options)?.[1] ?? '';
  const [limit, precision, scale] = [number('limit'), number('precision'), number('scale')];
  const inBrackets = (...parts: readonly string[]): string => (parts[0] === '' ? '' : `(${parts.filter((part) => part !== '').join(',')})`);
  if (type === 'integer') return INTEGERS[limit] ?? type;
  if (type === 'varchar') return type + inBrackets(limit);
  if (type === 'numeric') return type + inBrackets(precision, scale);
  if (type === 'double precision') return limit !== '' && Number(limit) <= 24 ? 'real' : type;
  // Of a time without one Rails has a default that PostgreSQL shows, and which changed: any will do.
  return type.replace(/^(time(?:stamp)?) /, `$1${inBrackets(precision)} `);
}

function enumIn(text: string, line: number): ClaimedEnum | null {
  const [, name, list = ''] = /^create_enum "([^"]+)", \[(.*)\]$/.exec(text) ?? [];
  if (name === undefined) return null;
  return { name, values: [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? ''), line };
}
