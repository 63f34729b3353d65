import type { JsonObject } from '../../../kernel/pure.ts';
import { child, children, textOf } from '../tree.ts';
import { snakeCase, tableNames } from './ast.ts';
import type { ClaimedColumn, ClaimedTable, Claims, Kind } from './types.ts';

/**
 * Reads the types of a GraphQL schema that stand for tables: those that say so (`@table(name: "people")`), whose fields must be columns unless
 * they say `@column(name: "none")` or another name; and as a guess those that only have the name of a table. A field with arguments, or of
 * a type that is an object, is an answer of its own and no column.
 * @param document as `parse` of graphql-js answers it
 */
export function readGraphql(document: JsonObject): Claims {
  const definitions = children(document, 'definitions');
  const enums = new Map(definitions.filter(isKind('EnumTypeDefinition')).map((one) => [nameOf(one), children(one, 'values').map(nameOf)]));
  const scalars = new Set([...Object.keys(KINDS), ...definitions.filter(isKind('ScalarTypeDefinition')).map(nameOf)]);
  const columnsOf = (type: JsonObject): readonly ClaimedColumn[] =>
    children(type, 'fields').flatMap((field) => {
      const column = columnOf(field, { enums, scalars });
      return column === null ? [] : [{ ...column, line: lineOf(field) }];
    });
  const tables = definitions.filter(isKind('ObjectTypeDefinition')).flatMap((type): readonly ClaimedTable[] => {
    const claimed = { columns: columnsOf(type), whole: false, line: lineOf(type) };
    const table = named(type, 'table');
    if (table !== null) return [{ ...claimed, names: [table] }];
    return ROOTS.has(nameOf(type)) ? [] : [{ ...claimed, names: tableNames(nameOf(type)), guessed: true }];
  });
  return { tables, enums: [], whole: false, unclear: [] };
}

const ROOTS = new Set(['Query', 'Mutation', 'Subscription']);

/** Of the scalars whose names tell; `ID` is written from anything. */
const KINDS: Readonly<Record<string, Kind | null>> = {
  ID: null,
  String: 'text',
  // Of 32 bits: one of a bigint fails as soon as it is larger.
  Int: 'int',
  Float: 'number',
  Boolean: 'boolean',
  BigInt: 'bigint',
  Decimal: 'decimal',
  Date: 'date',
  DateTime: 'date',
  Timestamp: 'date',
  UUID: 'text',
  JSON: 'json',
  JSONObject: 'json',
};

interface Known {
  readonly enums: ReadonlyMap<string, readonly string[]>;
  readonly scalars: ReadonlySet<string>;
}

function columnOf(field: JsonObject, { enums, scalars }: Known): Omit<ClaimedColumn, 'line'> | null {
  const { type, never, list } = unwrapped(child(field, 'type'));
  const values = enums.get(type);
  const column = named(field, 'column');
  if (column === 'none' || children(field, 'arguments').length > 0 || (values === undefined && !scalars.has(type))) return null;
  const name = nameOf(field);
  return {
    names: column === null ? [...new Set([name, snakeCase(name)])] : [column],
    // A list may be an array or JSON, and an enum may be kept as text.
    kind: list ? null : (KINDS[type] ?? null),
    type: null,
    nullable: never ? false : null,
    ...(values === undefined || list ? {} : { values, constants: true as const }),
  };
}

/** `[String!]!` is a list that is never null. */
function unwrapped(type: JsonObject): { readonly type: string; readonly never: boolean; readonly list: boolean } {
  const never = textOf(type, 'kind') === 'NonNullType';
  const inner = never ? child(type, 'type') : type;
  if (textOf(inner, 'kind') === 'ListType') return { ...unwrapped(child(inner, 'type')), never, list: true };
  return { type: nameOf(inner), never, list: false };
}

const isKind =
  (kind: string) =>
  (node: JsonObject): boolean =>
    textOf(node, 'kind') === kind;

const nameOf = (node: JsonObject): string => textOf(child(node, 'name'), 'value');

/** From 1, that of its name: a description may stand before it. */
function lineOf(node: JsonObject): number {
  const line = child(child(child(node, 'name'), 'loc'), 'startToken')['line'];
  return typeof line === 'number' ? line : 1;
}

/** The `name` of a directive; null where the node does not have it. */
function named(node: JsonObject, directive: string): string | null {
  const found = children(node, 'directives').find((one) => nameOf(one) === directive);
  const given = found === undefined ? undefined : children(found, 'arguments').find((one) => nameOf(one) === 'name');
  return given === undefined ? null : textOf(child(given, 'value'), 'value');
}
