import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/pure.ts';
import { child, children, findAll, isSet, nameParts, textOf } from './tree.ts';

/** Functions of PostgreSQL itself (and of the extensions that make ids) that write nothing a program could miss. */
const PURE = new Set(
  `abs age array_agg array_append array_cat array_length array_position array_remove array_to_json array_to_string avg bool_and bool_or
   btrim cardinality ceil ceiling char_length clock_timestamp concat concat_ws convert_from convert_to count current_database
   current_schema current_setting date_part date_trunc decode dense_rank digest encode extract first_value floor format
   gen_random_bytes gen_random_uuid generate_series greatest hashtext initcap json_agg json_array_elements json_build_array
   json_build_object json_object_agg jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
   jsonb_build_object jsonb_each jsonb_each_text jsonb_object_agg jsonb_object_keys jsonb_set jsonb_strip_nulls jsonb_typeof
   json_typeof lag last_value lead least left length lower lpad ltrim make_date make_interval max md5 min mod nextval now ntile
   nullif octet_length overlay pg_advisory_lock pg_advisory_xact_lock pg_get_serial_sequence pg_typeof position power quote_ident quote_literal random rank
   regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table repeat replace reverse right round
   row_number row_to_json rpad rtrim set_config setweight sha256 split_part sqrt starts_with statement_timestamp string_agg
   string_to_array strpos substr substring sum timezone to_char to_date to_json to_jsonb to_number to_regclass to_timestamp
   to_tsvector transaction_timestamp translate trim trunc unnest upper uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 uuidv4
   uuidv7 version`.split(/\s+/),
);

/** Of those, what answers for whatever a program may write into a row. */
const TOTAL = new Set(
  `array_length array_to_string btrim cardinality char_length coalesce concat concat_ws date_trunc greatest initcap jsonb_typeof
   json_typeof least left length lower ltrim md5 nullif octet_length replace reverse right rtrim setweight starts_with strpos substr
   timezone to_tsvector translate trim upper`.split(/\s+/),
);
const TOTAL_OPERATORS = new Set(`= <> != < <= > >= || -> ->> #> #>> ? ?| ?& @> <@ && ~~ !~~ ~~* !~~* ~ !~ ~* !~* @@`.split(' '));

/** Never NULL, as a default. */
const NEVER_NULL = new Set(
  `clock_timestamp gen_random_bytes gen_random_uuid nextval now random statement_timestamp transaction_timestamp uuid_generate_v1
   uuid_generate_v1mc uuid_generate_v4 uuidv4 uuidv7`.split(/\s+/),
);

/** A type that numbers the rows itself. */
export const SERIAL = /^(small|big)?serial[248]?$/;

/** Give NULL only for NULL. */
const ARITHMETIC = new Set(['+', '-', '*', '/', '||']);

/** A function the tree calls that is not known to write nothing; null when there is none. @param but these, which are judged elsewhere */
export function unknownCall(tree: JsonValue, but: readonly string[] = []): string | null {
  for (const { node } of findAll(tree, ['FuncCall'])) {
    const name = calledName(node);
    if (!PURE.has(name) && !but.includes(name)) return name;
  }
  return null;
}

/** Can computing it fail for some row? Then whoever writes that row fails with it. */
export function mayFail(tree: JsonValue): boolean {
  return findAll(tree, ['FuncCall', 'A_Expr', 'TypeCast']).some(({ tag, node }) => {
    if (tag === 'FuncCall') return !TOTAL.has(calledName(node));
    // A value written in the statement was read when it was parsed; casting what a row holds is another matter.
    if (tag === 'TypeCast') return typeName(child(node, 'typeName')) !== 'text' && child(node, 'arg')['A_Const'] === undefined;
    return textOf(node, 'kind') === 'AEXPR_OP' && !TOTAL_OPERATORS.has(nameParts(children(node, 'name')).at(-1) ?? '');
  });
}

/** Is this default certain to give a value? */
export function neverNull(expression: JsonValue | undefined): boolean {
  if (expression === undefined || !isJsonObject(expression)) return false;
  const cast = child(expression, 'TypeCast');
  if (cast['arg'] !== undefined) return neverNull(cast['arg']);
  if (expression['A_Const'] !== undefined) return !isSet(child(expression, 'A_Const'), 'isnull');
  if (expression['FuncCall'] !== undefined) return NEVER_NULL.has(calledName(child(expression, 'FuncCall')));
  const operation = child(expression, 'A_Expr');
  if (textOf(operation, 'kind') === 'AEXPR_OP' && ARITHMETIC.has(nameParts(children(operation, 'name')).at(-1) ?? ''))
    return (operation['lexpr'] === undefined || neverNull(operation['lexpr'])) && neverNull(operation['rexpr']);
  return expression['SQLValueFunction'] !== undefined || expression['A_ArrayExpr'] !== undefined;
}

/** The last part of a name of PostgreSQL's own; a name in another schema whole, so that it is not taken for one. */
export function calledName(call: JsonObject): string {
  const parts = nameParts(children(call, 'funcname'));
  return parts.length < 2 || parts[0] === 'pg_catalog' ? (parts.at(-1) ?? '') : parts.join('.');
}

/** As {@link calledName}, of a type. */
export function typeName(type: JsonObject): string {
  const parts = nameParts(children(type, 'names'));
  return parts.length < 2 || parts[0] === 'pg_catalog' ? (parts.at(-1) ?? '') : parts.join('.');
}
