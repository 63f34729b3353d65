import { child, children, nameParts, textOf } from '../tree.ts';
import { bytesOf } from './command-place.ts';
import type { Statement } from '../types.ts';

type Node = Statement['node'];

/** PostgreSQL cuts longer names. */
const LONGEST_NAME = 63;

/** The columns of a CREATE VIEW in their order; null where the text alone does not tell all of them. */
export function viewColumns(view: Node): readonly string[] | null {
  const aliases = nameParts(children(view, 'aliases'));
  const own = answered(child(child(view, 'query'), 'SelectStmt'));
  const names = own?.map((one, index) => aliases[index] ?? one) ?? null;
  return names === null || names.some((one) => one === null || bytesOf(one) > LONGEST_NAME) ? null : (names as readonly string[]);
}

function answered(select: Node): readonly (string | null)[] | null {
  // Of a UNION the first part names the columns.
  if (select['larg'] !== undefined) return answered(child(select, 'larg'));
  const targets = children(select, 'targetList').map((one) => child(one, 'ResTarget'));
  if (targets.length === 0) return null;
  const names = targets.map((one) => (textOf(one, 'name') === '' ? nameOf(child(one, 'val')) : textOf(one, 'name')));
  return names.includes('*') ? null : names;
}

/** The name PostgreSQL gives to an expression; `*` for all columns of something, null where it is not known here. */
function nameOf(value: Node): string | null {
  if (value['ColumnRef'] !== undefined) {
    const last = children(child(value, 'ColumnRef'), 'fields').at(-1) ?? {};
    return last['A_Star'] === undefined ? textOf(child(last, 'String'), 'sval') : '*';
  }
  if (value['FuncCall'] !== undefined) return nameParts(children(child(value, 'FuncCall'), 'funcname')).at(-1) ?? null;
  return null;
}
