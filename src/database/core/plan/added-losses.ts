import { BUILT_IN_TYPES } from '../built-in-types.ts';
import { mayFail, SERIAL } from '../expression-effect.ts';
import { child, children, findAll, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Loss } from './losses.ts';
import { quoted, relation } from './names.ts';
import { checksIn, defaultIn, generatedIn } from './slices.ts';
import { typeSql } from './type-loss.ts';

type Node = Statement['node'];

const FILLED = new Set(['CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED']);

/** Rows for which a new column is refused: it has no value and must have one, or the one it has breaks its own rules. */
export function addedLosses(definition: Node, table: string, statement: Statement): readonly Loss[] {
  const added: Added = {
    definition,
    table,
    statement,
    constraints: children(definition, 'constraints').map((one) => child(one, 'Constraint')),
  };
  return [...emptyLoss(added), ...domainLoss(added), ...computedLoss(added), ...defaultLosses(added)];
}

/** What a new column is filled with, whose type may be a domain with rules of its own. */
export interface Filled {
  readonly table: string;
  /** As SQL names it. */
  readonly type: string;
  /** The DEFAULT as it is written; null for that of the domain, or NULL. */
  readonly value: string | null;
}

function domainLoss(added: Added): readonly Loss[] {
  const { definition, table, statement } = added;
  const names = nameParts(children(child(definition, 'typeName'), 'names'));
  const type = child(definition, 'typeName')['arrayBounds'] === undefined ? names.map(quoted).join('.') : '';
  const given = has(added, 'CONSTR_DEFAULT');
  const value = given ? defaultIn(statement.text) : null;
  const computed = has(added, 'CONSTR_GENERATED', 'CONSTR_IDENTITY');
  if (
    type === '' ||
    names[0] === 'pg_catalog' ||
    BUILT_IN_TYPES.has(names.join('.')) ||
    SERIAL.test(names.at(-1) ?? '') ||
    computed ||
    (given && value === null)
  )
    return [];
  const what = `rows of ${table}, for which the new column ${textOf(definition, 'colname')} breaks the rules of its domain ${names.join('.')}`;
  return [{ line: statement.line, kind: 'refused', what, sql: null, find: { kind: 'filled', table, type, value } }];
}

interface Added {
  readonly definition: Node;
  readonly table: string;
  readonly statement: Statement;
  readonly constraints: readonly Node[];
}

const has = ({ constraints }: Added, ...kinds: readonly string[]): boolean =>
  constraints.some((one) => kinds.includes(textOf(one, 'contype')));

/** A new column that is NOT NULL and gets no value is refused as soon as there is a row. */
function emptyLoss(added: Added): readonly Loss[] {
  const { definition, table, statement } = added;
  const type = nameParts(children(child(definition, 'typeName'), 'names'));
  if (!has(added, 'CONSTR_NOTNULL', 'CONSTR_PRIMARY') || has(added, ...FILLED) || SERIAL.test(type.at(-1) ?? '')) return [];
  // A domain may have a default of its own.
  const name = type.map(quoted).join('.').replaceAll("'", "''");
  const valued = `EXISTS (SELECT FROM pg_type WHERE oid = to_regtype('${name}') AND typdefault IS NOT NULL)`;
  const what = `rows of ${table}, for which the new column ${textOf(definition, 'colname')} has no value and may not be null`;
  return [
    { line: statement.line, kind: 'refused', what, sql: `SELECT count(*)::float8 AS rows FROM ${relation(table)} WHERE NOT ${valued}` },
  ];
}

/** What is computed for every row that is there may fail for one of them: then so does the query, and says why. */
function computedLoss({ definition, table, statement, constraints }: Added): readonly Loss[] {
  const generated = constraints.find((one) => textOf(one, 'contype') === 'CONSTR_GENERATED' && textOf(one, 'generated_kind') !== 'v');
  if (generated === undefined || !mayFail(generated['raw_expr'] ?? null)) return [];
  const expression = generatedIn(statement.text);
  const type = typeSql(child(definition, 'typeName'));
  const sql =
    expression === null || type === null ? null : `SELECT 0::float8 * count((${expression}\n)::${type}) AS rows FROM ${relation(table)}`;
  const what = `rows of ${table}, for which the new column ${textOf(definition, 'colname')} cannot be computed`;
  return [{ line: statement.line, kind: 'refused', what, sql }];
}

/** Of a default that is the same for every row. */
function defaultLosses(added: Added): readonly Loss[] {
  const { definition, table, statement, constraints } = added;
  const given = constraints.find((one) => textOf(one, 'contype') === 'CONSTR_DEFAULT');
  if (given === undefined) return [];
  const [line, name] = [statement.line, textOf(definition, 'colname')];
  const same = findAll(given, ['FuncCall']).length === 0;
  const twice = `SELECT CASE WHEN count(*) > 1 THEN count(*) ELSE 0 END::float8 AS rows FROM ${relation(table)}`;
  const unique: Loss = { line, kind: 'refused', what: `rows of ${table} that get the same value of the new column ${name}`, sql: twice };
  const [type, value] = [typeSql(child(definition, 'typeName')), defaultIn(statement.text)];
  const [check, ...more] = has(added, 'CONSTR_CHECK') ? checksIn(statement.text) : [];
  const breaks: Loss = {
    line,
    kind: 'refused',
    what: `rows of ${table}, for which the default of the new column ${name} breaks its CHECK`,
    sql:
      type === null || value === null || check === undefined || more.length > 0
        ? null
        : `SELECT count(*)::float8 AS rows FROM (SELECT *, (${value}\n)::${type} AS ${quoted(name)} FROM ${relation(table)}) slipway_added WHERE (${check}\n) IS FALSE`,
  };
  return [...(same && has(added, 'CONSTR_UNIQUE', 'CONSTR_PRIMARY') ? [unique] : []), ...(has(added, 'CONSTR_CHECK') ? [breaks] : [])];
}
