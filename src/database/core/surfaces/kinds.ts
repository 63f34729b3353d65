import type { Kind, RealColumn } from './types.ts';

const NUMBERS: Readonly<Record<string, readonly Kind[]>> = {
  smallint: ['int', 'number'],
  integer: ['int', 'number'],
  oid: ['int', 'number'],
  bigint: ['bigint', 'number', 'text'],
  real: ['float', 'number'],
  'double precision': ['float', 'number'],
  numeric: ['decimal', 'number', 'text'],
  money: ['decimal', 'number', 'text'],
  boolean: ['boolean'],
  json: ['json', 'array'],
  jsonb: ['json', 'array'],
  bytea: ['bytes', 'text'],
};
const TEXTS = /^(text|character|character varying|citext|uuid|name|inet|cidr|macaddr8?|xml|interval|tsvector|tsquery|bit|bit varying)$/;
const DATES = /^(date|timestamp|timestamp with(out)? time zone|time|time with(out)? time zone)$/;

/** What a column may be called in a programming language; null for a type of which nobody can say. */
export function kindsOf({ type, enum: isEnum }: Pick<RealColumn, 'type' | 'enum'>): readonly Kind[] | null {
  if (type.endsWith('[]')) return ['array'];
  if (isEnum) return ['enum', 'text'];
  const base = typeName(type)
    .replace(/\(.*\)/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  if (TEXTS.test(base)) return ['text'];
  if (DATES.test(base)) return ['date', 'text'];
  return NUMBERS[base] ?? null;
}

const ALIASES: Readonly<Record<string, string>> = {
  int: 'integer',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  serial: 'integer',
  serial4: 'integer',
  bigserial: 'bigint',
  serial8: 'bigint',
  smallserial: 'smallint',
  float4: 'real',
  float8: 'double precision',
  bool: 'boolean',
  varchar: 'character varying',
  char: 'character',
  bpchar: 'character',
  decimal: 'numeric',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  timetz: 'time with time zone',
  time: 'time without time zone',
  varbit: 'bit varying',
};

/** A type as PostgreSQL writes it, however it was written: `varchar(20)` is `character varying(20)`. */
export function typeName(type: string): string {
  const text = type
    .trim()
    .toLowerCase()
    .replaceAll(/\s*,\s*/g, ',')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('"', '')
    .replace(/^public\./, '');
  const [, word = text, size = '', rest = ''] = /^([a-z_0-9 .]+?)\s*(\([\d,]+\))?((?: with(?:out)? time zone)?(?:\[\])*)$/.exec(text) ?? [];
  const base = ALIASES[word] ?? word;
  const zoned = /^(.*?)( with(?:out)? time zone)$/.exec(base);
  // The size of a time stands before its zone. A scale of nothing is the default.
  const sized = size.replace(/,0\)$/, ')');
  const array = rest.replace(/^ with(out)? time zone/, '');
  const zone = /^ with(out)? time zone/.exec(rest)?.[0] ?? zoned?.[2] ?? '';
  return `${zoned === null ? base : zoned[1]}${sized}${zone}${array}`.replace(/^character\(1\)$/, 'character');
}
