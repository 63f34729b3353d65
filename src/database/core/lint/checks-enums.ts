import { child, children, findAll, nameParts, textOf } from '../tree.ts';
import { calledFunctions } from './called.ts';
import { ofDomain, plainName, relationKey, type Schema } from './schema.ts';
import type { Context, Draft } from './types.ts';

type Node = Context['statement']['node'];

/** "unsafe use of new value": PostgreSQL refuses it until the transaction that added the value has ended. */
export function usesNewValue(context: Context): readonly Draft[] {
  const { statement, schema, placed, options, file } = context;
  // Nobody reads the body of a function in PL/pgSQL before it is called, and that of one in SQL only if nobody was told not to.
  if (!placed.shared || placed.body === 'unread' || (placed.body === 'read' && !readsBodies(file))) return [];
  if (statement.kind === 'AlterEnumStmt') return addsTooSoon(statement.node, { schema, placed, options });
  const added = [...schema.enums].flatMap(([name, one]) =>
    options.version >= USABLE_WITH_ITS_TYPE && one.transaction === placed.transaction
      ? []
      : [...one.added].filter(([, transaction]) => transaction === placed.transaction).map(([value]) => ({ name, value })),
  );
  if (added.length === 0) return [];
  const ran = [statement, ...(placed.body === undefined ? calledBodies(context) : [])];
  return added
    .filter(({ name, value }) => ran.some((one) => textsOf(one, name, schema).has(value) && mayBeOf(name, one, schema)))
    .map(
      ({ name, value }) =>
        ({
          rule: 'enum-value-in-transaction',
          message: `'${value}' was added to ${name} in this transaction and cannot be used before it ends`,
          ...(placed.body === 'read' ? { atOnce: true } : {}),
        }) as const,
    );
}

/** The texts in a statement that may be values of an enum: not those that go into a column of another type. */
function textsOf({ kind, node }: Context['statement'], name: string, schema: Schema): ReadonlySet<string> {
  const columns = schema.tables.get(relationKey(child(node, 'relation')))?.columns;
  const other = (column: string): boolean => {
    const type = ofDomain(columns?.get(column)?.type ?? null, schema);
    return type !== null && plainName(type.base) !== name;
  };
  const elsewhere = new Set(givenTo(kind, node).flatMap(({ column, value }) => (other(column) ? [child(value, 'A_Const')] : [])));
  return new Set(
    findAll(node, ['A_Const'])
      .filter((one) => !elsewhere.has(one.node))
      .map((one) => textOf(child(one.node, 'sval'), 'sval')),
  );
}

/** A value, and the column it is for. */
interface Given {
  readonly column: string;
  readonly value: Node;
}

/** What INSERT of values and UPDATE give to which column. */
export function givenTo(kind: string, node: Node): readonly Given[] {
  if (kind === 'UpdateStmt')
    return children(node, 'targetList').map((one) => ({
      column: textOf(child(one, 'ResTarget'), 'name'),
      value: child(child(one, 'ResTarget'), 'val'),
    }));
  if (kind !== 'InsertStmt') return [];
  const columns = children(node, 'cols').map((one) => textOf(child(one, 'ResTarget'), 'name'));
  return children(child(child(node, 'selectStmt'), 'SelectStmt'), 'valuesLists').flatMap((row) =>
    children(child(row, 'List'), 'items').map((value, index) => ({ column: columns[index] ?? '', value })),
  );
}

/** Statements of functions of this file that are called here, by others too; what earlier files made is judged here anyway. */
function calledBodies({ statement, schema, file }: Context): readonly Context['statement'][] {
  const [found, seen]: [Context['statement'][], Set<string>] = [[], new Set()];
  const open = statement.kind === 'CreateFunctionStmt' ? [] : [statement];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const name of calledFunctions(next).filter((one) => !seen.has(one))) {
      seen.add(name);
      const called = schema.functions.get(name);
      if (called?.file !== file.index) continue;
      const body = called.body.map((inner) => inner.statement);
      open.push(...body);
      if (!called.readAtOnce) found.push(...body);
    }
  return found;
}

function readsBodies({ settings }: Context['file']): boolean {
  return !/^(?:off|false|no|0|f|n)$/i.test(settings.get('check_function_bodies')?.value ?? 'on');
}

/** From this version on a value may be used at once where its type was made by the same transaction. */
const USABLE_WITH_ITS_TYPE = 17;
/** Before this one, a value cannot be added in a transaction at all, but to a type that it made. */
const ADDED_IN_TRANSACTION = 12;

function addsTooSoon(
  node: Context['statement']['node'],
  { schema, placed, options }: Pick<Context, 'schema' | 'placed' | 'options'>,
): readonly Draft[] {
  const name = plainName(nameParts(children(node, 'typeName')).join('.'));
  const made = schema.enums.get(name)?.transaction ?? null;
  if (options.version >= ADDED_IN_TRANSACTION || textOf(node, 'oldVal') !== '' || made === placed.transaction) return [];
  const message = `PostgreSQL ${options.version} refuses to add a value to ${name} inside a transaction`;
  return [{ rule: 'enum-value-in-transaction', message }];
}

/** May a text in the statement be one of this enum? Not where every table it names is known, and none has a column of it. */
function mayBeOf(name: string, { node }: Context['statement'], { tables }: Schema): boolean {
  const types = findAll(node, ['TypeName', 'typeName']).map((one) => plainName(nameParts(children(one.node, 'names')).join('.')));
  if (types.includes(name)) return true;
  const named = findAll(node, ['RangeVar', 'relation', 'view'])
    .map((one) => relationKey(one.node))
    .filter((one) => one !== '');
  return (
    named.length === 0 ||
    named.some((one) => {
      const table = tables.get(one);
      return table?.whole !== true || [...table.columns.values()].some(({ type }) => type !== null && plainName(type.base) === name);
    })
  );
}
