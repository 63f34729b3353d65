import { children, findAll, nameParts } from '../tree.ts';
import type { Statement } from '../types.ts';
import { plainName } from './schema.ts';

/** Names of the functions a query calls: their bodies run here. */
export function calledFunctions({ node }: Statement): readonly string[] {
  return findAll(node, ['FuncCall', 'funccall']).map((one) => plainName(nameParts(children(one.node, 'funcname')).join('.')));
}
