import { beyondDatabase } from '../beyond-database.ts';
import { isSolitary } from './timeline.ts';
import { transactionOf } from '../transactions.ts';
import type { Statement } from '../types.ts';
import type { Context, Draft } from './types.ts';

/** What a statement does outside of the database it runs in. */
export function checkReach({ statement }: Context): readonly Draft[] {
  // Rules of their own tell of them.
  if (statement.kind === 'DropdbStmt' || statement.kind === 'DropOwnedStmt') return [];
  const why = beyondDatabase(statement);
  return why === null ? [] : [{ rule: 'beyond-database', message: why }];
}

/** Settings are neither kind. */
const NEITHER: ReadonlySet<string> = new Set(['VariableSetStmt', 'VariableShowStmt']);

/** For a tool that refuses a file of both kinds: the first that cannot be in a transaction beside what can. */
export function mixedFile(statements: readonly Statement[]): readonly { readonly draft: Draft; readonly statement: Statement }[] {
  const alone = statements.find(isSolitary);
  const others = statements.some((one) => !isSolitary(one) && !NEITHER.has(one.kind) && transactionOf(one) === null);
  if (alone === undefined || !others) return [];
  const message = 'Flyway refuses a file in which this stands beside statements that can be in a transaction, unless its mixed is true';
  return [{ statement: alone, draft: { rule: 'mixed-file', message, fix: `-- in a file of its own:\n${alone.text.trim()};` } }];
}
