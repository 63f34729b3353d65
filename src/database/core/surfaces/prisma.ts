import type { ClaimedColumn, ClaimedEnum, ClaimedTable, Claims, Kind } from './types.ts';

const KINDS: Readonly<Record<string, Kind>> = {
  String: 'text',
  Int: 'int',
  BigInt: 'bigint',
  Float: 'float',
  Decimal: 'decimal',
  Boolean: 'boolean',
  DateTime: 'date',
  Json: 'json',
  Bytes: 'bytes',
};
/** Native types (`@db.X`), as PostgreSQL calls them. */
const NATIVE: Readonly<Record<string, string>> = {
  Text: 'text',
  VarChar: 'varchar',
  Char: 'char',
  Uuid: 'uuid',
  Citext: 'citext',
  Inet: 'inet',
  Bit: 'bit',
  VarBit: 'varbit',
  Xml: 'xml',
  SmallInt: 'smallint',
  Integer: 'integer',
  BigInt: 'bigint',
  Oid: 'oid',
  Real: 'real',
  DoublePrecision: 'double precision',
  Decimal: 'numeric',
  Money: 'money',
  Boolean: 'boolean',
  Timestamp: 'timestamp',
  Timestamptz: 'timestamptz',
  Date: 'date',
  Time: 'time',
  Timetz: 'timetz',
  Json: 'json',
  JsonB: 'jsonb',
  ByteA: 'bytea',
};

interface Block {
  readonly type: string;
  readonly name: string;
  readonly line: number;
  readonly lines: readonly { readonly line: number; readonly text: string }[];
}

/**
 * Reads a schema of Prisma: models, fields with `@map` and native types, enums.
 * @param beside the other files of a schema that is split, whose models it may refer to
 */
export function readPrisma(text: string, beside: readonly string[]): Claims {
  const { blocks, unclear } = blocksOf(text);
  const models = new Set([...blocks, ...beside.flatMap((other) => blocksOf(other).blocks)].filter(isModel).map(({ name }) => name));
  const enums = new Map(blocks.filter(({ type }) => type === 'enum').map((block) => [block.name, enumOf(block)]));
  const tables = blocks.filter(isModel).map((block) => tableOf(block, models, enums));
  const foreign = blocks.filter((block) => block.type === 'datasource' && block.lines.some(isForeign));
  const odd = foreign.map(({ line }) => ({ line, what: 'its datasource is no PostgreSQL' }));
  return { tables, enums: [...enums.values()], whole: false, unclear: [...unclear, ...odd] };
}

const isModel = ({ type }: Block): boolean => type === 'model' || type === 'view';
const isForeign = ({ text }: { readonly text: string }): boolean =>
  /^provider\s*=/.test(text) && !/"(postgresql|postgres|cockroachdb)"|env\(/.test(text);

function blocksOf(text: string): { readonly blocks: readonly Block[]; readonly unclear: Claims['unclear'] } {
  const blocks: Block[] = [];
  const unclear: { line: number; what: string }[] = [];
  let open: { type: string; name: string; line: number; lines: { line: number; text: string }[] } | null = null;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const bare = withoutComment(raw).trim();
    if (bare === '') continue;
    if (open === null) {
      const [, type, name] = /^(model|view|enum|type|datasource|generator)\s+(\w+)\s*\{$/.exec(bare) ?? [];
      if (type === undefined || name === undefined) unclear.push({ line, what: `"${bare.slice(0, 60)}" is not understood` });
      else open = { type, name, line, lines: [] };
    } else if (bare === '}') {
      blocks.push(open);
      open = null;
    } else open.lines.push({ line, text: bare });
  }
  if (open !== null) unclear.push({ line: open.line, what: `${open.type} ${open.name} does not end` });
  return { blocks, unclear };
}

/** Slashes in a text, a URL say, begin none. */
function withoutComment(line: string): string {
  const found = /^((?:[^"/]|"(?:[^"\\]|\\.)*"|\/(?!\/))*)\/\//.exec(line);
  return found?.[1] ?? line;
}

const mapped = (text: string, attribute: string): string | null =>
  new RegExp(`${attribute}\\(\\s*(?:name:\\s*)?"([^"]+)"`).exec(text)?.[1] ?? null;

/** With the schema that a block says it is in. */
function qualified(name: string, { lines }: Pick<Block, 'lines'>): string {
  const schema = lines.map(({ text }) => mapped(text, '^@@schema')).find((found) => found !== null);
  return schema === undefined || schema === 'public' ? name : `${schema}.${name}`;
}

function tableOf({ name, line, lines }: Block, models: ReadonlySet<string>, enums: ReadonlyMap<string, ClaimedEnum>): ClaimedTable {
  const own = lines.map(({ text }) => text).find((text) => text.startsWith('@@map'));
  const table = (own === undefined ? null : mapped(own, '^@@map')) ?? name;
  const columns = lines.filter(({ text }) => !text.startsWith('@@')).flatMap((one) => columnOf(one, models, enums));
  return { names: [qualified(table, { lines })], columns, whole: true, line };
}

function columnOf(
  { line, text }: { readonly line: number; readonly text: string },
  models: ReadonlySet<string>,
  enums: ReadonlyMap<string, ClaimedEnum>,
): readonly ClaimedColumn[] {
  const [, name, type = '', unsupported, list, optional, rest = ''] =
    /^(\w+)\s+(\w+)(\("(?:[^"\\]|\\.)*"\))?(\[\])?(\?)?(.*)$/.exec(text) ?? [];
  // A field of another model is a relation, which is no column.
  if (name === undefined || models.has(type)) return [];
  const isList = list !== undefined;
  return [
    {
      names: [mapped(rest, '@map') ?? name],
      kind: isList ? 'array' : (KINDS[type] ?? (enums.has(type) ? 'enum' : null)),
      type: unsupported === undefined ? nativeOf(rest, isList) : unsupported.slice(2, -2),
      // A list may be null in the database, whatever the schema says.
      nullable: isList ? null : optional !== undefined,
      line,
    },
  ];
}

function nativeOf(attributes: string, list: boolean): string | null {
  const [, name = '', size = ''] = /@db\.(\w+)(\([\d,\s]+\))?/.exec(attributes) ?? [];
  const type = NATIVE[name];
  if (type === undefined) return null;
  const zoned = /^(timestamp|time)(tz)?$/.exec(type);
  const sized = zoned === null ? `${type}${size}` : `${zoned[1] ?? ''}${size} ${zoned[2] === undefined ? 'without' : 'with'} time zone`;
  return list ? `${sized}[]` : sized;
}

function enumOf({ name, line, lines }: Block): ClaimedEnum {
  const own = lines.map(({ text }) => mapped(text, '^@@map')).find((found) => found !== null);
  const values = lines
    .filter(({ text }) => !text.startsWith('@@'))
    .map(({ text }) => mapped(text, '@map') ?? /^\w+/.exec(text)?.[0] ?? text);
  return { name: qualified(own ?? name, { lines }), values, line };
}
