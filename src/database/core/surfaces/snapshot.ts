import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { child, isSet, textOf } from '../tree.ts';
import type { Claims } from './types.ts';

/** Reads the newest `meta/NNNN_snapshot.json` of drizzle-kit. Null when it is none. */
export function readSnapshot(json: JsonValue, text: string): Claims | null {
  if (!isJsonObject(json) || json['tables'] === undefined || !/^(postgresql|pg)$/.test(textOf(json, 'dialect'))) return null;
  const lineAt = (needle: string, from = 0): { readonly line: number; readonly at: number } => {
    const found = text.indexOf(needle, from);
    const at = found < 0 ? from : found;
    return { at, line: text.slice(0, at).split('\n').length };
  };
  const tables = valuesOf(child(json, 'tables')).map((table) => {
    const name = textOf(table, 'name');
    const place = lineAt(`"${qualified(textOf(table, 'schema'), name, true)}"`);
    const columns = valuesOf(child(table, 'columns')).map((column) => ({
      names: [textOf(column, 'name')],
      kind: null,
      type: typeOf(column),
      nullable: !isSet(column, 'notNull') && !isSet(column, 'primaryKey'),
      line: lineAt(`"${textOf(column, 'name')}"`, place.at).line,
    }));
    // A key of several columns stands beside them.
    const keys = new Set(valuesOf(child(table, 'compositePrimaryKeys')).flatMap((key) => textsOf(key['columns'])));
    return {
      names: [qualified(textOf(table, 'schema'), name, false)],
      columns: columns.map((column) => (keys.has(column.names[0] ?? '') ? { ...column, nullable: false } : column)),
      whole: true,
      line: place.line,
    };
  });
  const enums = valuesOf(child(json, 'enums')).map((one) => ({
    name: qualified(textOf(one, 'schema'), textOf(one, 'name'), false),
    values: textsOf(one['values']),
    line: lineAt(`"${textOf(one, 'name')}"`).line,
  }));
  return { tables, enums, whole: true, unclear: [] };
}

function typeOf(column: JsonObject): string | null {
  const type = textOf(column, 'type');
  return type === '' || textOf(column, 'typeSchema') !== '' ? null : type;
}

const valuesOf = (object: JsonObject): readonly JsonObject[] => Object.values(object).filter(isJsonObject);

/** Older snapshots keep an enum's values as an object. */
function textsOf(value: JsonValue | undefined): readonly string[] {
  const list = Array.isArray(value)
    ? (value as readonly JsonValue[])
    : value !== undefined && isJsonObject(value)
      ? Object.values(value)
      : [];
  return list.filter((one) => typeof one === 'string');
}

function qualified(schema: string, name: string, always: boolean): string {
  const known = schema === '' ? 'public' : schema;
  return known === 'public' && !always ? name : `${known}.${name}`;
}
