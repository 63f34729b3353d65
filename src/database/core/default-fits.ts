import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/pure.ts';
import { calledName, mayFail, typeName } from './expression-effect.ts';
import { child, children, findAll, isSet, nameParts, textOf } from './tree.ts';

const WHOLE: Readonly<Record<string, number>> = {
  int2: 32_767,
  smallint: 32_767,
  int4: 2_147_483_647,
  int8: Infinity,
  bigint: Infinity,
  float8: Infinity,
  float4: Infinity,
};
const LETTERS = new Set(['varchar', 'bpchar', 'char']);
const WIDE_TEXT = new Set(['text', 'citext']);
const TIMES = new Set(['timestamptz', 'timestamp', 'date', 'time', 'timetz']);
const NUMBERS = new Set(['int4', 'int8', 'float8', 'numeric']);
/** What these answer goes into a column of that type, whatever it is. */
const GIVES: Readonly<Record<string, ReadonlySet<string>>> = {
  now: TIMES,
  clock_timestamp: TIMES,
  statement_timestamp: TIMES,
  transaction_timestamp: TIMES,
  gen_random_uuid: new Set(['uuid']),
  uuid_generate_v1: new Set(['uuid']),
  uuid_generate_v1mc: new Set(['uuid']),
  uuid_generate_v4: new Set(['uuid']),
  uuidv4: new Set(['uuid']),
  uuidv7: new Set(['uuid']),
  gen_random_bytes: new Set(['bytea']),
  random: new Set(['float8', 'float4', 'numeric']),
  nextval: NUMBERS,
};

/**
 * Does what a column is filled with certainly fit it? PostgreSQL accepts `char(1) DEFAULT 'xx'` for an empty table, and then refuses
 * every row that leaves the column out.
 */
export function defaultFits(type: JsonObject, expression: JsonValue | undefined): boolean {
  if (expression === undefined || !isJsonObject(expression)) return false;
  const cast = child(expression, 'TypeCast');
  if (cast['arg'] !== undefined) return defaultFits(type, cast['arg']);
  if (expression['A_Const'] !== undefined) return constantFits(type, child(expression, 'A_Const'));
  return computedFits(type, expression);
}

function computedFits(type: JsonObject, expression: JsonObject): boolean {
  const bounded = children(type, 'typmods').length > 0;
  const name = typeName(type);
  if (WIDE_TEXT.has(name) || (name === 'varchar' && !bounded)) return !mayFail(expression) || callGives(expression) !== null;
  if (TIMES.has(name)) return isMoment(expression);
  if (expression['FuncCall'] !== undefined) return !bounded && callGives(expression)?.has(name) === true;
  return expression['A_ArrayExpr'] !== undefined && findAll(expression, ['FuncCall', 'A_Expr']).length === 0;
}

function callGives(expression: JsonObject): ReadonlySet<string> | null {
  return GIVES[calledName(child(expression, 'FuncCall'))] ?? null;
}

/** Has a column of this type a length or a range that what is computed for it may not keep to? */
export function isNarrow(type: JsonObject): boolean {
  const name = typeName(type);
  return name === 'int2' || name === 'bpchar' || (children(type, 'typmods').length > 0 && !TIMES.has(name));
}

/** A written value: what has no length was read when the statement was, so only lengths and ranges are left to check. */
function constantFits(type: JsonObject, constant: JsonObject): boolean {
  const name = typeName(type);
  const [most, decimals = 0] = children(type, 'typmods').map((one) => Number(child(child(one, 'A_Const'), 'ival')['ival'] ?? 0));
  if (isSet(constant, 'isnull') || constant['boolval'] !== undefined) return true;
  if (constant['sval'] !== undefined) return stringFits(name, textOf(child(constant, 'sval'), 'sval'), most);
  return numberFits(name, Math.abs(numberOf(constant)), most, decimals);
}

function numberOf(constant: JsonObject): number {
  return Number(constant['fval'] === undefined ? (child(constant, 'ival')['ival'] ?? 0) : textOf(child(constant, 'fval'), 'fval'));
}

function numberFits(name: string, number: number, most: number | undefined, decimals: number): boolean {
  if (name === 'numeric') return most === undefined || number < 10 ** (most - decimals) - 1;
  if (LETTERS.has(name)) return most === undefined ? name === 'varchar' : String(number).length < most;
  return WIDE_TEXT.has(name) || number <= (WHOLE[name] ?? 0);
}

function stringFits(name: string, text: string, most: number | undefined): boolean {
  // Without a length a char has one letter, a varchar any number.
  if (LETTERS.has(name)) return Array.from(text).length <= (most ?? (name === 'varchar' ? Infinity : 1));
  return most === undefined || TIMES.has(name);
}

/** The present moment, or one that is a written interval away from it. */
function isMoment(expression: JsonObject): boolean {
  if (expression['SQLValueFunction'] !== undefined) return true;
  if (expression['FuncCall'] !== undefined) return callGives(expression) === TIMES;
  const operation = child(expression, 'A_Expr');
  const operator = nameParts(children(operation, 'name')).at(-1) ?? '';
  if (textOf(operation, 'kind') !== 'AEXPR_OP' || !['+', '-'].includes(operator)) return false;
  const by = child(child(operation, 'rexpr'), 'TypeCast');
  return isMoment(child(operation, 'lexpr')) && typeName(child(by, 'typeName')) === 'interval' && child(by, 'arg')['A_Const'] !== undefined;
}
