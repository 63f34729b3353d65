import type { JsonObject } from '../../../kernel/pure.ts';
import { child, children, textOf } from '../tree.ts';
import { lineOf, literalText, members, snakeCase, typesOf, type Source } from './ast.ts';
import type { ClaimedColumn, ClaimedEnum, ClaimedTable, Claims, Kind } from './types.ts';

const KINDS: Readonly<Record<string, Kind>> = {
  Int8: 'bigint',
  Numeric: 'decimal',
  Timestamp: 'date',
  Date: 'date',
  Json: 'json',
  JsonValue: 'json',
  Buffer: 'bytes',
  Uint8Array: 'bytes',
  ArrayType: 'array',
  Array: 'array',
};
const KEYWORDS: Readonly<Record<string, Kind>> = {
  TSStringKeyword: 'text',
  TSNumberKeyword: 'number',
  TSBigIntKeyword: 'bigint',
  TSBooleanKeyword: 'boolean',
  TSArrayType: 'array',
};
/** Of these the first argument is what a row holds. */
const WRAPPERS = new Set(['Generated', 'GeneratedAlways', 'ColumnType', 'JSONColumnType']);

/** Reads the row types that `kysely-codegen` writes: `DB`, and an interface for each table. Null when there is no `DB`. */
export function readKysely(source: Source): Claims | null {
  const types = typesOf(source);
  const database = types.get('DB') ?? types.get('Database');
  if (database === undefined) return null;
  const unclear: { line: number; what: string }[] = [];
  const tables = members(database).flatMap(({ name, type, node }): readonly ClaimedTable[] => {
    const row = types.get(textOf(child(type, 'typeName'), 'name'));
    const line = lineOf(source, node);
    if (row === undefined) {
      unclear.push({ line, what: `the type of ${name} is not in the file` });
      return [];
    }
    const columns = members(row).map((one) => columnOf(source, one, true));
    return [{ names: alternatives(name.replace(/^public\./, '')), columns, whole: true, line: lineOf(source, row) }];
  });
  return { tables, enums: [], whole: true, unclear };
}

const alternatives = (name: string): readonly string[] => [...new Set([name, snakeCase(name)])];

/** Reads the `Database` that `supabase gen types` writes, its schemas' `Tables` and `Enums`. Null when it is none. */
export function readSupabase(source: Source): Claims | null {
  const database = typesOf(source).get('Database');
  const schemas = members(database).filter(({ type }) => members(type).some(({ name }) => name === 'Tables'));
  if (schemas.length === 0) return null;
  const under = ({ name, type }: (typeof schemas)[number], part: string) => {
    const prefix = name === 'public' ? '' : `${name}.`;
    return members(members(type).find((one) => one.name === part)?.type).map((one) => ({ ...one, name: `${prefix}${one.name}` }));
  };
  const tables = schemas.flatMap((schema) =>
    under(schema, 'Tables').map(({ name, type, node }): ClaimedTable => {
      const row = members(type).find((one) => one.name === 'Row');
      return {
        names: [name],
        columns: members(row?.type).map((one) => columnOf(source, one, false)),
        whole: true,
        line: lineOf(source, node),
      };
    }),
  );
  const enums = schemas.flatMap((schema) =>
    under(schema, 'Enums').map(({ name, type, node }): ClaimedEnum => ({ name, values: unionTexts(type), line: lineOf(source, node) })),
  );
  return { tables, enums, whole: false, unclear: [] };
}

function unionTexts(type: JsonObject): readonly string[] {
  const parts = textOf(type, 'type') === 'TSUnionType' ? children(type, 'types') : [type];
  return parts.flatMap((one) => literalText(child(one, 'literal')) ?? []);
}

function columnOf(source: Source, { name, type, node }: ReturnType<typeof members>[number], convention: boolean): ClaimedColumn {
  const bare = unwrapped(type);
  const parts = textOf(bare, 'type') === 'TSUnionType' ? children(bare, 'types') : [bare];
  const kinds = new Set(parts.filter((one) => textOf(one, 'type') !== 'TSNullKeyword').map(kindOf));
  const [kind] = kinds;
  return {
    names: convention ? alternatives(name) : [name],
    kind: kinds.size === 1 ? (kind ?? null) : null,
    type: null,
    nullable: parts.some((one) => textOf(one, 'type') === 'TSNullKeyword'),
    line: lineOf(source, node),
  };
}

function unwrapped(type: JsonObject): JsonObject {
  const name = textOf(child(type, 'typeName'), 'name');
  const [first] = children(child(type, 'typeArguments'), 'params');
  return WRAPPERS.has(name) && first !== undefined ? unwrapped(first) : type;
}

/** Null for a type of somebody's own: an enum, say. */
function kindOf(type: JsonObject): Kind | null {
  const tag = textOf(type, 'type');
  if (tag === 'TSTypeReference') return KINDS[textOf(child(type, 'typeName'), 'name')] ?? null;
  if (tag === 'TSLiteralType') return literalText(child(type, 'literal')) === null ? null : 'text';
  return KEYWORDS[tag] ?? null;
}
