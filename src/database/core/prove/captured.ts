import { child, children, findAll, nameParts, relationName } from '../tree.ts';
import type { Statement } from '../types.ts';

/** Functions that reach beyond the rows of the database, or wait: what they do is not taken back, and says nothing of a schema. */
const REACHES_OUT = /^(pg_|lo_|dblink|set_config$|txid_|query_to_xml|table_to_xml|schema_to_xml|database_to_xml|cursor_to_xml)/;
/** Of these only the answer matters. */
const HARMLESS = /^pg_(typeof|column_size|get_serial_sequence|client_encoding)$/;
/** What Slipway keeps in a database it works on. */
const OWN = /^(slipway|slipway_history)\./;
const CATALOG = /^information_schema\.|(^|\.)pg_/;

/** Why a statement is no part of what a version asks of its own tables; null for one that is. */
export function foreignTo({ node }: Pick<Statement, 'node'>): string | null {
  const tables = findAll({ node }, ['RangeVar']).map((found) => relationName(found.node));
  const named = [relationName(child(node, 'relation')), ...tables].filter((name) => name !== '');
  if (named.some((name) => OWN.test(name))) return "Slipway's own";
  if (named.some((name) => CATALOG.test(name))) return 'about the catalog';
  const calls = findAll({ node }, ['FuncCall']).map((found) => nameParts(children(found.node, 'funcname')).at(-1) ?? '');
  if (calls.some((name) => REACHES_OUT.test(name) && !HARMLESS.test(name))) return 'a function of the server';
  return named.length === 0 ? 'without a table' : null;
}

/** Types whose constants are written behind their names; a parameter cannot stand there. */
const BEFORE_CONSTANT =
  /\b(interval|timestamp(?:\s+with(?:out)?\s+time\s+zone)?|timestamptz|date|time(?:\s+with(?:out)?\s+time\s+zone)?)\s+(\$\d+)/gi;

/** A text whose constants were taken out, so that it can be read again where that only takes another way to write it. */
export function readable(text: string): string {
  return text.replaceAll(BEFORE_CONSTANT, 'CAST($2 AS $1)');
}
