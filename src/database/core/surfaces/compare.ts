import type { Verdict } from '../../../kernel/pure.ts';
import { kindsOf, typeName } from './kinds.ts';
import type { ClaimedColumn, ClaimedTable, Claims, RealColumn, RealSchema, RealTable, SurfaceDifference } from './types.ts';

/** Where a file and the database are out of step. */
export function compareSurface(claims: Claims, real: RealSchema): readonly SurfaceDifference[] {
  const found = claims.tables.map((table) => ({ table, is: real.tables.find(({ name }) => table.names.includes(name)) ?? null }));
  const named = new Set(found.flatMap(({ is }) => (is === null ? [] : [is.name])));
  const missing = real.tables.filter(({ name, view }) => !view && !named.has(name));
  return [
    ...found.flatMap(({ table, is }) => (table.guessed === true ? guess(table, is, real) : judge(table, is, real))),
    ...claims.enums.flatMap((claimed) => compareEnum(claimed, real.enums)),
    ...missing.map(({ name }) => ({
      line: 1,
      what: `the table ${name} is not in the file`,
      weight: claims.whole ? ('wrong' as const) : ('remark' as const),
    })),
  ];
}

function judge(table: ClaimedTable, is: RealTable | null, { enums }: RealSchema): readonly SurfaceDifference[] {
  return is === null ? [wrong(table.line, `the table ${table.names[0] ?? ''} is not in the database`)] : compareTable(table, is, enums);
}

/** Of a guess only what would be wrong is worth a remark. */
function guess(table: ClaimedTable, is: RealTable | null, { enums }: RealSchema): readonly SurfaceDifference[] {
  const differences = is === null ? [] : compareTable(table, is, enums);
  return differences.filter(({ weight }) => weight === 'wrong').map((one) => ({ ...one, weight: 'remark' }));
}

const wrong = (line: number, what: string): SurfaceDifference => ({ line, what, weight: 'wrong' });

function compareTable(claimed: ClaimedTable, real: RealTable, enums: RealSchema['enums']): readonly SurfaceDifference[] {
  const pairs = claimed.columns.map((column) => ({ column, is: real.columns.find(({ name }) => column.names.includes(name)) ?? null }));
  const named = new Set(pairs.flatMap(({ is }) => (is === null ? [] : [is.name])));
  const missing = real.columns.filter(({ name }) => !named.has(name));
  return [
    ...pairs.flatMap(({ column, is }) =>
      is === null
        ? [wrong(column.line, `the column ${real.name}.${column.names[0] ?? ''} is not in the database`)]
        : [...compareColumn(column, { real: is, at: `${real.name}.${is.name}`, view: real.view }), ...compareValues(column, is, enums)],
    ),
    ...missing.map(({ name, optional }) => ({
      line: claimed.line,
      what: `the column ${real.name}.${name} is not in the file${optional || real.view ? '' : ', and no row can be written without it'}`,
      weight: claimed.whole ? ('wrong' as const) : ('remark' as const),
    })),
  ];
}

interface Found {
  readonly real: RealColumn;
  /** As people know it. */
  readonly at: string;
  readonly view: boolean;
}

function compareColumn(claimed: ClaimedColumn, { real, at, view }: Found): readonly SurfaceDifference[] {
  // Of a view PostgreSQL does not know which columns may be null.
  return [...compareType(claimed, real, at), ...(view ? [] : compareNullable(claimed, real, at))];
}

function compareType({ kind, type, line }: ClaimedColumn, real: RealColumn, at: string): readonly SurfaceDifference[] {
  if (type !== null) return sameType(type, real.type) ? [] : [wrong(line, `${at} is ${real.type}, the file says ${type}`)];
  const kinds = kindsOf(real);
  return kind === null || kinds === null || kinds.includes(kind) ? [] : [wrong(line, `${at} is ${real.type}, the file says ${kind}`)];
}

function compareNullable({ nullable, stricter, line }: ClaimedColumn, real: RealColumn, at: string): readonly SurfaceDifference[] {
  if (nullable === null || nullable === real.nullable) return [];
  const what = `${at} may ${real.nullable ? '' : 'not '}be null, the file says it may${nullable ? '' : ' not'}`;
  return [{ line, what, weight: stricter === true ? 'remark' : 'wrong' }];
}

/** Of a column that is an enum in the database. */
function compareValues(
  { values, constants, line }: ClaimedColumn,
  { type }: RealColumn,
  enums: RealSchema['enums'],
): readonly SurfaceDifference[] {
  const name = type.replaceAll('"', '').replace(/^public\./, '');
  const is = enums.find((one) => one.name === name);
  if (values === undefined || is === undefined) return [];
  const meant = (value: string): string => is.values.find((one) => asConstant(one) === asConstant(value)) ?? value;
  return compareEnum({ name, values: constants === true ? values.map(meant) : values, line }, enums);
}

const asConstant = (value: string): string => value.toUpperCase().replaceAll(/[^\p{L}\p{N}]+/gu, '_');

/** What is written without a size takes any. */
function sameType(claimed: string, real: string): boolean {
  const [is, says] = [typeName(real), typeName(claimed)];
  return says === (says.includes('(') ? is : is.replace(/\([\d,]+\)/, ''));
}

function compareEnum({ name, values, line }: Claims['enums'][number], enums: RealSchema['enums']): readonly SurfaceDifference[] {
  const is = enums.find((one) => one.name === name);
  if (is === undefined) return [wrong(line, `the enum ${name} is not in the database`)];
  const gone = values.filter((value) => !is.values.includes(value));
  const missing = is.values.filter((value) => !values.includes(value));
  return [
    ...gone.map((value) => wrong(line, `the enum ${name} has no value ${value} in the database`)),
    ...missing.map((value) => wrong(line, `the value ${value} of the enum ${name} is not in the file`)),
  ];
}

/** In step only where something was compared, nothing is wrong, and all of the file was understood. */
export function surfaceVerdict({ tables, enums, unclear }: Claims, differences: readonly SurfaceDifference[]): Verdict {
  if (differences.some(({ weight }) => weight === 'wrong')) return 'fail';
  const sure = tables.filter(({ guessed }) => guessed !== true);
  return unclear.length > 0 || sure.length + enums.length === 0 ? 'unknown' : 'pass';
}
