import { child, children, isSet, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { shapesOf } from './shape.ts';

/** What pending statements take out of the way by themselves: things dropped, and things that get a new definition. */
export interface OutOfTheWay {
  /** Names of views, functions and triggers that go; a trigger by its table and name. */
  readonly dropped: readonly (readonly string[])[];
  /** New definitions of views and functions, by name. */
  readonly replaced: readonly { readonly path: readonly string[]; readonly statement: Statement }[];
}

/** What of a database the statements of pending files drop or define anew before, or while, they contract something. */
export function outOfTheWay(statements: readonly Statement[]): OutOfTheWay {
  const dropped = statements.filter(({ kind }) => kind === 'DropStmt').flatMap((one) => shapesOf(one).map(({ path }) => path));
  const replaced = statements.flatMap((statement) => {
    const { kind, node } = statement;
    if (!isSet(node, 'replace')) return [];
    if (kind === 'CreateFunctionStmt') return [{ path: nameParts(children(node, 'funcname')), statement }];
    if (kind !== 'ViewStmt') return [];
    const [schema, name] = [textOf(child(node, 'view'), 'schemaname'), textOf(child(node, 'view'), 'relname')];
    return [{ path: schema === '' ? [name] : [schema, name], statement }];
  });
  return { dropped, replaced };
}
