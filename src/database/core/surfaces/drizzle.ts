import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { child, children, textOf } from '../tree.ts';
import { constants, keyOf, lineOf, literalText, property, snakeCase, type Source } from './ast.ts';
import type { ClaimedColumn, ClaimedEnum, ClaimedTable, Claims, Kind } from './types.ts';

/** What a builder makes, in PostgreSQL's words. */
const TYPES: Readonly<Record<string, string>> = {
  serial: 'integer',
  smallserial: 'smallint',
  bigserial: 'bigint',
  integer: 'integer',
  smallint: 'smallint',
  bigint: 'bigint',
  boolean: 'boolean',
  text: 'text',
  varchar: 'varchar',
  char: 'char',
  numeric: 'numeric',
  decimal: 'numeric',
  real: 'real',
  doublePrecision: 'double precision',
  json: 'json',
  jsonb: 'jsonb',
  time: 'time',
  timestamp: 'timestamp',
  date: 'date',
  interval: 'interval',
  uuid: 'uuid',
  inet: 'inet',
  cidr: 'cidr',
  macaddr: 'macaddr',
  macaddr8: 'macaddr8',
  point: 'point',
  line: 'line',
};

interface Reading {
  readonly source: Source;
  readonly known: ReadonlyMap<string, JsonObject>;
  readonly enums: ReadonlyMap<string, ClaimedEnum | null>;
  readonly schemas: ReadonlyMap<string, string>;
  /** Makers of tables whose names they complete, by their own name; null where nobody sees how. */
  readonly makers: ReadonlyMap<string, Completed | null>;
  readonly unclear: { line: number; what: string }[];
}

/** What stands before and after a name. */
type Completed = readonly [before: string, after: string];

/** Reads tables and enums that a file of Drizzle declares in so many words; what is computed is unclear. */
export function readDrizzle(source: Source): Claims {
  const known = constants(source);
  const schemas = new Map<string, string>();
  for (const [name, node] of known) {
    const schema = calleeName(node) === 'pgSchema' ? literalText(children(node, 'arguments')[0]) : null;
    if (schema !== null) schemas.set(name, schema);
  }
  const unclear: { line: number; what: string }[] = [];
  const enums = new Map<string, ClaimedEnum | null>();
  const makers = new Map<string, Completed | null>();
  for (const [name, node] of known)
    if (calleeName(node) === 'pgTableCreator') makers.set(name, completedBy(children(node, 'arguments')[0]));
  const reading: Reading = { source, known, enums, schemas, makers, unclear };
  for (const [name, node] of known) if (/^pgEnum$|\.enum$/.test(calleeName(node))) enums.set(name, enumOf(reading, node));
  const tables = [...known.values()].flatMap((node) => tableOf(reading, node) ?? []);
  return { tables, enums: [...enums.values()].filter((one) => one !== null), whole: false, unclear };
}

/** `name` of `name(...)`, `object.name` of `object.name(...)`; empty for what is no call. */
function calleeName(node: JsonObject): string {
  if (textOf(node, 'type') !== 'CallExpression') return '';
  const callee = child(node, 'callee');
  if (textOf(callee, 'type') === 'Identifier') return textOf(callee, 'name');
  const object = child(callee, 'object');
  return textOf(object, 'type') === 'Identifier' ? `${textOf(object, 'name')}.${textOf(child(callee, 'property'), 'name')}` : '';
}

function enumOf({ source, known, unclear, schemas }: Reading, node: JsonObject): ClaimedEnum | null {
  const [first, second] = children(node, 'arguments');
  const given = second !== undefined && textOf(second, 'type') === 'Identifier' ? known.get(textOf(second, 'name')) : second;
  const list = given !== undefined && textOf(given, 'type') === 'TSAsExpression' ? child(given, 'expression') : given;
  const values = children(list ?? {}, 'elements').map((one) => literalText(one));
  const [line, name] = [lineOf(source, node), literalText(first)];
  const read = values.filter((value) => value !== null);
  if (name === null || read.length === 0 || read.length < values.length) {
    unclear.push({ line, what: 'the values of an enum are computed' });
    return null;
  }
  const schema = schemas.get(calleeName(node).split('.')[0] ?? '');
  return { name: qualified(schema, name), values: read, line };
}

const qualified = (schema: string | undefined, name: string): string =>
  schema === undefined || schema === 'public' ? name : `${schema}.${name}`;

/** How `(name) => `shop_${name}`` completes a name; null for any other function. */
function completedBy(node: JsonObject | undefined): Completed | null {
  const text = child(node ?? {}, 'body');
  const [before, after] = children(text, 'quasis').map((one) => child(one, 'value')['cooked']);
  const [parameter, hole] = [children(node ?? {}, 'params')[0], children(text, 'expressions')];
  const plain = hole.length === 1 && parameter !== undefined && textOf(hole[0] ?? {}, 'name') === textOf(parameter, 'name');
  return plain && typeof before === 'string' && typeof after === 'string' ? [before, after] : null;
}

function tableOf(reading: Reading, node: JsonObject): ClaimedTable | null {
  const callee = calleeName(node);
  const [owner = '', method] = callee.split('.');
  const schema = reading.schemas.get(owner);
  const made = callee === 'pgTable' ? (['', ''] as const) : reading.makers.get(callee);
  if (made === undefined && !(method === 'table' && schema !== undefined)) return null;
  const line = lineOf(reading.source, node);
  const [first, second, third] = children(node, 'arguments');
  const name = literalText(first);
  const object = second === undefined ? undefined : objectOf(second);
  if (name === null || object === undefined || made === null) {
    reading.unclear.push({ line, what: 'the name or the columns of a table are computed' });
    return null;
  }
  const [before, after] = made ?? ['', ''];
  const columns = columnsOf(reading, object, keysIn(third));
  return { names: [qualified(schema, `${before}${name}${after}`)], columns: columns.read, whole: columns.all, line };
}

/** Keys of the columns that `primaryKey({ columns: [table.a, table.b] })` beside the columns names: they are never null. */
function keysIn(beside: JsonObject | undefined): ReadonlySet<string> {
  const found = new Set<string>();
  visit(beside, (node) => {
    if (calleeName(node) !== 'primaryKey') return;
    visit({ of: children(node, 'arguments') }, (inner) => {
      if (textOf(inner, 'type') === 'MemberExpression') found.add(textOf(child(inner, 'property'), 'name'));
    });
  });
  return found;
}

function visit(value: JsonValue | undefined, see: (node: JsonObject) => void): void {
  if (Array.isArray(value)) (value as readonly JsonValue[]).forEach((one) => visit(one, see));
  else if (value !== undefined && isJsonObject(value)) {
    see(value);
    Object.values(value).forEach((one) => visit(one, see));
  }
}

/** The object itself, or what a function `(t) => ({ ... })` answers. */
function objectOf(node: JsonObject): JsonObject | undefined {
  if (textOf(node, 'type') === 'ObjectExpression') return node;
  const body = child(node, 'body');
  const bare = textOf(body, 'type') === 'ParenthesizedExpression' ? child(body, 'expression') : body;
  return textOf(bare, 'type') === 'ObjectExpression' ? bare : undefined;
}

function columnsOf(
  reading: Reading,
  object: JsonObject,
  keys: ReadonlySet<string> = new Set(),
): { readonly read: readonly ClaimedColumn[]; readonly all: boolean } {
  const read: ClaimedColumn[] = [];
  let all = true;
  for (const one of children(object, 'properties')) {
    const key = keyOf(one);
    const spread = textOf(one, 'type') === 'SpreadElement' ? spreadOf(reading, child(one, 'argument')) : undefined;
    const column = key === null ? null : columnOf(reading, key, child(one, 'value'));
    if (spread !== undefined) read.push(...spread.read);
    else if (column !== null) read.push(keys.has(key ?? '') ? { ...column, nullable: false } : column);
    else {
      all = false;
      reading.unclear.push({ line: lineOf(reading.source, one), what: 'a column is computed, or comes from another file' });
    }
    all &&= spread?.all !== false;
  }
  return { read, all };
}

/** Columns of `...shared`, where `shared` is an object of the same file. */
function spreadOf(reading: Reading, argument: JsonObject): ReturnType<typeof columnsOf> | undefined {
  const object = textOf(argument, 'type') === 'Identifier' ? reading.known.get(textOf(argument, 'name')) : argument;
  return object !== undefined && textOf(object, 'type') === 'ObjectExpression' ? columnsOf(reading, object) : undefined;
}

interface Chain {
  readonly builder: string;
  readonly args: readonly JsonObject[];
  /** What is called on it, the last first. */
  readonly calls: readonly string[];
}

/** `varchar('a', { length: 3 }).notNull().unique()` taken apart; null for what is no such chain. */
function chainOf(node: JsonObject): Chain | null {
  const calls: string[] = [];
  let at = node;
  while (textOf(at, 'type') === 'CallExpression') {
    const callee = child(at, 'callee');
    const name = calleeName(at);
    if (name !== '') return { builder: name.split('.').at(-1) ?? '', args: children(at, 'arguments'), calls };
    calls.push(textOf(child(callee, 'property'), 'name'));
    at = child(callee, 'object');
  }
  return null;
}

function columnOf(reading: Reading, key: string, value: JsonObject): ClaimedColumn | null {
  const chain = chainOf(value);
  if (chain === null) return null;
  const { builder, args, calls } = chain;
  const name = literalText(args[0]);
  const isEnum = reading.enums.has(builder);
  const plain = isEnum
    ? null
    : typeOf(
        builder,
        args.find((one) => textOf(one, 'type') === 'ObjectExpression'),
      );
  const array = calls.includes('array');
  const kind: Kind | null = array ? 'array' : isEnum ? 'enum' : null;
  const never = ['notNull', 'primaryKey', 'generatedAlwaysAsIdentity', 'generatedByDefaultAsIdentity'].some((one) => calls.includes(one));
  return {
    names: name === null ? [...new Set([key, snakeCase(key)])] : [name],
    kind,
    type: plain === null ? null : `${plain}${array ? '[]' : ''}`,
    nullable: !never && !builder.endsWith('serial'),
    line: lineOf(reading.source, value),
  };
}

/** Null for a builder of somebody's own. */
function typeOf(builder: string, options: JsonObject | undefined): string | null {
  const type = TYPES[builder];
  if (type === undefined) return null;
  const number = (name: string): string | null => {
    const value = property(options, name)?.['value'];
    return typeof value === 'number' ? String(value) : null;
  };
  if (type === 'timestamp' || type === 'time') {
    const digits = number('precision');
    const zone = property(options, 'withTimezone')?.['value'] === true ? 'with' : 'without';
    return `${type}${digits === null ? '' : `(${digits})`} ${zone} time zone`;
  }
  const size = [number('length') ?? number('precision'), number('scale')].filter((one) => one !== null);
  return size.length === 0 ? type : `${type}(${size.join(',')})`;
}
