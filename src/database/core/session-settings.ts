import { child, children, findAll, nameParts } from './tree.ts';
import type { Statement } from './types.ts';

/** Does it only set what holds for the rest of the session, so that a resumed file may say it again? */
export function onlySets({ kind, node }: Statement): boolean {
  if (kind === 'VariableSetStmt') return true;
  if (kind !== 'SelectStmt' || children(node, 'fromClause').length > 0) return false;
  const values = children(node, 'targetList').map((one) => child(child(one, 'ResTarget'), 'val'));
  // What an argument reads may have changed by then.
  return (
    values.length > 0 && values.every(isSetConfig) && findAll(node['targetList'] ?? null, ['FuncCall', 'SubLink']).length === values.length
  );
}

/** Does it set something for the session where it cannot be said again without the rest? */
export function setsAmongOthers(statement: Statement): boolean {
  return !onlySets(statement) && findAll(statement.node, ['FuncCall']).some(({ node }) => isSetConfig({ FuncCall: node }));
}

function isSetConfig(value: Statement['node']): boolean {
  return nameParts(children(child(value, 'FuncCall'), 'funcname')).at(-1) === 'set_config';
}
