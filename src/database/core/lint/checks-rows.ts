import { child, children, isOn, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { batchFix, quoted } from './fixes.ts';
import { isFresh } from './impact.ts';
import { relationKey } from './schema.ts';
import type { Context, Draft } from './types.ts';

type Node = Statement['node'];

/** What statements do to rows. */
export function checkRows(context: Context): readonly Draft[] {
  const { statement } = context;
  return [
    ...(KINDS[statement.kind]?.(statement.node, context) ?? []),
    ...withWrites(context),
    ...manyRows(context),
    ...twice(statement),
    ...indexed(context),
    ...corrupt(context),
  ];
}

const KINDS: Readonly<Record<string, (node: Node, context: Context) => readonly Draft[]>> = {
  UpdateStmt: (node, context) => write(node, context, 'update-all'),
  DeleteStmt: (node, context) => write(node, context, 'delete-all'),
  TruncateStmt: truncate,
  InsertStmt: (node) =>
    node['cols'] === undefined && child(node, 'selectStmt')['SelectStmt'] !== undefined
      ? [
          {
            rule: 'insert-columns',
            message: `the columns of ${relationKey(child(node, 'relation'))} are not named`,
            relation: relationKey(child(node, 'relation')),
          },
        ]
      : [],
};

function write(node: Node, context: Context, all: 'update-all' | 'delete-all'): readonly Draft[] {
  const table = relationKey(child(node, 'relation'));
  if (isFresh(table, context.schema, context.file)) return [];
  const word = all === 'update-all' ? 'UPDATE' : 'DELETE';
  const place = { relation: table, scales: true, ...batches(node, table, context) } as const;
  if (node['whereClause'] === undefined || isAlways(child(node, 'whereClause')))
    return [{ rule: all, message: `${word} without WHERE changes every row of ${table}`, ...place }];
  return namesOne(child(node, 'whereClause'))
    ? []
    : [{ rule: 'unbatched-write', message: `how many rows of ${table} this ${word} changes is not bounded`, ...place }];
}

/** By its key where that is known, and `id` where it is not; a write within a query is not cut by itself. */
function batches(node: Node, table: string, { statement, schema }: Context): Pick<Draft, 'fix'> {
  if (statement.node !== node) return { fix: '-- in batches by key, each in its own transaction (slipway db backfill)' };
  const primary = [...(schema.tables.get(table)?.constraints.values() ?? [])].find(({ kind }) => kind === 'primary');
  const column = primary?.columns.length === 1 ? (primary.columns[0] ?? 'id') : 'id';
  const joins = node['fromClause'] !== undefined || node['usingClause'] !== undefined;
  const relation = child(node, 'relation');
  const name = textOf(child(relation, 'alias'), 'aliasname') || textOf(relation, 'relname');
  return { fix: batchFix(statement, joins ? `${quoted(name)}.${quoted(column)}` : quoted(column)) };
}

/** WITH gone AS (DELETE ...) hides a write of its own. */
function withWrites(context: Context): readonly Draft[] {
  const parts = children(child(context.statement.node, 'withClause'), 'ctes').map((one) =>
    child(child(one, 'CommonTableExpr'), 'ctequery'),
  );
  return parts.flatMap((query) => [
    ...(query['UpdateStmt'] === undefined ? [] : write(child(query, 'UpdateStmt'), context, 'update-all')),
    ...(query['DeleteStmt'] === undefined ? [] : write(child(query, 'DeleteStmt'), context, 'delete-all')),
  ]);
}

/** MERGE, and INSERT ... SELECT ... ON CONFLICT DO UPDATE, change as many rows as they find. */
function manyRows({ statement: { kind, node }, schema, file }: Context): readonly Draft[] {
  const updates = textOf(child(node, 'onConflictClause'), 'action') === 'ONCONFLICT_UPDATE';
  const selects = child(child(node, 'selectStmt'), 'SelectStmt')['fromClause'] !== undefined;
  const table = relationKey(child(node, 'relation'));
  if ((kind !== 'MergeStmt' && !(kind === 'InsertStmt' && updates && selects)) || isFresh(table, schema, file)) return [];
  return [{ rule: 'unbatched-write', message: `how many rows of ${table} this changes is not bounded`, relation: table, scales: true }];
}

const CORRUPTING = { version: 14, mended: 4 };

/** Built or rebuilt concurrently on 14.0 to 14.3. */
function corrupt({ statement: { kind, node }, options: { version, minor } }: Context): readonly Draft[] {
  const rebuilds = kind === 'ReindexStmt' && isOn(node, 'concurrently');
  if (
    version !== CORRUPTING.version ||
    (minor ?? 0) >= CORRUPTING.mended ||
    !(rebuilds || (kind === 'IndexStmt' && isSet(node, 'concurrent')))
  )
    return [];
  const message =
    minor === undefined
      ? 'on PostgreSQL before 14.4 this may leave rows out of the index'
      : `PostgreSQL 14.${minor} may leave rows out of the index`;
  return [
    {
      rule: 'index-may-be-corrupt',
      message,
      ...(minor === undefined ? { severity: 'notice' } : {}),
      fix: '-- upgrade to 14.4 or later first',
    },
  ];
}

/** WHERE true, WHERE 1 = 1. */
function isAlways(where: Node): boolean {
  if (child(child(where, 'A_Const'), 'boolval')['boolval'] === true) return true;
  const test = child(where, 'A_Expr');
  const [left, right] = [child(child(test, 'lexpr'), 'A_Const'), child(child(test, 'rexpr'), 'A_Const')];
  const value = (constant: Node): string => JSON.stringify({ ...constant, location: 0 });
  return left['location'] !== undefined && nameParts(children(test, 'name')).at(-1) === '=' && value(left) === value(right);
}

/** `column = constant`, or `column IN (constants)`, somewhere in a conjunction: few rows, as far as text can tell. */
export function namesOne(where: Node): boolean {
  const both = child(where, 'BoolExpr');
  if (textOf(both, 'boolop') === 'AND_EXPR') return children(both, 'args').some(namesOne);
  const test = child(where, 'A_Expr');
  const column = nameParts(children(child(child(test, 'lexpr'), 'ColumnRef'), 'fields')).at(-1);
  if (column === undefined || !/(?:^|_)(?:id|uuid|key|slug|name|code)$/i.test(column)) return false;
  const equals = nameParts(children(test, 'name')).at(-1) === '=';
  if (textOf(test, 'kind') === 'AEXPR_OP')
    return equals && (child(test, 'rexpr')['A_Const'] !== undefined || child(test, 'rexpr')['TypeCast'] !== undefined);
  return textOf(test, 'kind') === 'AEXPR_IN' && equals && child(test, 'rexpr')['List'] !== undefined;
}

function truncate(node: Node, { schema, file, impacts }: Context): readonly Draft[] {
  const cascade = textOf(node, 'behavior') === 'DROP_CASCADE';
  const known = impacts.flatMap(({ action }) => (action.form === 'truncate cascade' ? [action.roles['child'] ?? ''] : []));
  const others = known.length === 0 ? 'every table that references it' : known.join(', ');
  return children(node, 'relations').flatMap((one) => {
    const table = relationKey(child(one, 'RangeVar'));
    const fresh = isFresh(table, schema, file);
    const severity = fresh ? ({ severity: 'notice' } as const) : {};
    return [
      { rule: 'truncate', message: `all rows of ${table} are deleted`, relation: table, ...severity } as const,
      ...(cascade
        ? [
            {
              rule: 'truncate-cascade',
              message: `and with those of ${table} the rows of ${others}`,
              relation: table,
              ...severity,
            } as const,
          ]
        : []),
    ];
  });
}

/** SET a = 1, a = 2; a table, a key, a view or SELECT INTO with two columns of one name. */
function twice({ kind, node }: Statement): readonly Draft[] {
  const lists = [...assignments(kind, node), ...outputs(kind, node), ...defined(kind, node)];
  return lists.flatMap((names) => {
    const double = names.find((name, index) => names.indexOf(name) !== index);
    return double === undefined ? [] : [{ rule: 'assigned-twice', message: `${double} is named twice` } as const];
  });
}

function assignments(kind: string, node: Node): readonly (readonly string[])[] {
  const names = (list: readonly Node[]): readonly string[] => {
    const targets = list.map((one) => child(one, 'ResTarget')).filter((one) => textOf(one, 'name') !== '');
    const isPart = (one: Node): boolean => one['indirection'] !== undefined;
    const whole = targets.filter((one) => !isPart(one)).map((one) => textOf(one, 'name'));
    // Parts of one column, as `a.x` and `a[1]`, may each have their own, but not beside the whole of it.
    return [...whole, ...new Set(targets.filter(isPart).map((one) => textOf(one, 'name')))];
  };
  if (kind === 'UpdateStmt') return [names(children(node, 'targetList'))];
  if (kind === 'InsertStmt') return [names(children(child(node, 'onConflictClause'), 'targetList')), names(children(node, 'cols'))];
  if (kind !== 'MergeStmt') return [];
  return children(node, 'mergeWhenClauses').map((one) => names(children(child(one, 'MergeWhenClause'), 'targetList')));
}

/** The columns of a table, and of each of its keys. */
function defined(kind: string, node: Node): readonly (readonly string[])[] {
  const table = kind === 'CreateForeignTableStmt' ? child(node, 'base') : node;
  const elements = children(table, 'tableElts');
  const constraints = [
    ...elements.map((one) => child(one, 'Constraint')),
    ...children(node, 'cmds').map((one) => child(child(child(one, 'AlterTableCmd'), 'def'), 'Constraint')),
  ];
  const columns = elements.map((one) => textOf(child(one, 'ColumnDef'), 'colname')).filter((name) => name !== '');
  return [columns, ...constraints.map((one) => nameParts(children(one, 'keys')))];
}

function outputs(kind: string, node: Node): readonly (readonly string[])[] {
  const query =
    kind === 'ViewStmt'
      ? child(child(node, 'query'), 'SelectStmt')
      : kind === 'CreateTableAsStmt'
        ? child(child(node, 'query'), 'SelectStmt')
        : node;
  const makes = kind === 'ViewStmt' || kind === 'CreateTableAsStmt' || (kind === 'SelectStmt' && node['intoClause'] !== undefined);
  if (!makes) return [];
  if (node['aliases'] !== undefined) return [nameParts(children(node, 'aliases'))];
  return [
    children(query, 'targetList')
      .map((one) => outputName(child(one, 'ResTarget')))
      .filter((name) => name !== ''),
  ];
}

/** The name PostgreSQL gives to an output column. */
function outputName(target: Node): string {
  const written = textOf(target, 'name');
  if (written !== '') return written;
  const value = child(target, 'val');
  if (value['ColumnRef'] !== undefined) return nameParts(children(child(value, 'ColumnRef'), 'fields')).at(-1) ?? '';
  if (value['FuncCall'] !== undefined) return nameParts(children(child(value, 'FuncCall'), 'funcname')).at(-1) ?? '';
  return value['A_Const'] === undefined ? '' : '?column?';
}

/** Indexes: a column twice, and IF NOT EXISTS that may find an invalid one. */
function indexed({ statement: { kind, node }, schema }: Context): readonly Draft[] {
  if (kind !== 'IndexStmt') return [];
  const table = relationKey(child(node, 'relation'));
  const columns = children(node, 'indexParams').map((one) => textOf(child(one, 'IndexElem'), 'name'));
  const double = columns.find((name, index) => name !== '' && columns.indexOf(name) !== index);
  return [
    ...(double === undefined ? [] : [{ rule: 'index-column-twice', message: `${double} is in the index twice`, relation: table } as const]),
    ...(isSet(node, 'concurrent') && (schema.tables.get(table)?.partitioned ?? null) !== null && child(node, 'relation')['inh'] === true
      ? [
          {
            rule: 'index-of-partitioned',
            message: `${table} is partitioned, and PostgreSQL refuses to build an index of it concurrently`,
            relation: table,
            fix: '-- CREATE INDEX ... ON ONLY the table; then CONCURRENTLY on each partition, and ALTER INDEX ... ATTACH PARTITION',
          } as const,
        ]
      : []),
    ...(isSet(node, 'concurrent') && isSet(node, 'if_not_exists')
      ? [
          {
            rule: 'index-may-be-invalid',
            message: 'IF NOT EXISTS takes an invalid index of that name, left by a failed try, for a finished one',
            relation: table,
            fix: `SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid; -- drop what it shows concurrently, then build it again`,
          } as const,
        ]
      : []),
  ];
}
