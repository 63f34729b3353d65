import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { child, textOf } from '../tree.ts';
import { snakeCase, tableNames } from './ast.ts';
import type { ClaimedColumn, ClaimedTable, Claims, Kind } from './types.ts';

/** Where in the document something stands. */
export type PlaceOf = (path: readonly string[]) => number;

/**
 * Reads the schemas of an OpenAPI document that stand for tables: those that say so (`x-table: people`), whose properties must be columns unless
 * they say `x-column: none` or another name; and as a guess those that only have the name of a table. Null when it is no OpenAPI document.
 */
export function readOpenApi(document: JsonValue, placeOf: PlaceOf): Claims | null {
  if (!isJsonObject(document) || (document['openapi'] === undefined && document['swagger'] === undefined)) return null;
  const [schemas, under] =
    document['swagger'] === undefined
      ? [child(child(document, 'components'), 'schemas'), ['components', 'schemas']]
      : [child(document, 'definitions'), ['definitions']];
  const tables = Object.entries(schemas).flatMap(([name, schema]): readonly ClaimedTable[] => {
    if (!isJsonObject(schema)) return [];
    const table = textOf(schema, 'x-table');
    const place = [...under, name];
    const claimed = { columns: columnsOf(schema, place, placeOf), whole: false, line: placeOf(place) };
    if (table !== '') return [{ ...claimed, names: [table] }];
    return [{ ...claimed, names: tableNames(name), guessed: true }];
  });
  return { tables, enums: [], whole: false, unclear: [] };
}

const KINDS: Readonly<Record<string, Kind>> = {
  string: 'text',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  array: 'array',
  object: 'json',
};

function columnsOf(schema: JsonObject, place: readonly string[], placeOf: PlaceOf): readonly ClaimedColumn[] {
  const { required } = schema;
  const always = new Set(Array.isArray(required) ? (required as readonly JsonValue[]) : []);
  return Object.entries(child(schema, 'properties')).flatMap(([name, property]) => {
    if (!isJsonObject(property) || property['x-column'] === 'none') return [];
    const column = textOf(property, 'x-column');
    const line = placeOf([...place, 'properties', name]);
    const names = column === '' ? [...new Set([name, snakeCase(name)])] : [column];
    // A body that is sent in may be stricter than the table.
    const nullable = always.has(name) && !mayBeNull(property) ? false : null;
    return [{ names, kind: kindOf(property), type: null, nullable, stricter: true, ...valuesOf(property), line }];
  });
}

function valuesOf({ enum: given }: JsonObject): Pick<ClaimedColumn, 'values'> {
  return Array.isArray(given) ? { values: (given as readonly JsonValue[]).filter((one) => typeof one === 'string') } : {};
}

/** What is not told here (`$ref`, `oneOf`) may say so elsewhere. */
function mayBeNull(property: JsonObject): boolean {
  const { type } = property;
  return type === undefined || property['nullable'] === true || (Array.isArray(type) && (type as readonly JsonValue[]).includes('null'));
}

function kindOf(property: JsonObject): Kind | null {
  const given = property['type'];
  const types = (Array.isArray(given) ? (given as readonly JsonValue[]) : [given]).filter(
    (one) => typeof one === 'string' && one !== 'null',
  );
  const [only] = types;
  return types.length === 1 && typeof only === 'string' ? (KINDS[only] ?? null) : null;
}
