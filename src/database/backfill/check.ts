import { SlipwayError } from '../../kernel/index.ts';
import type { BackfillDefinition } from '../core/backfill/definition.ts';
import { parseSql } from '../parser.ts';

/**
 * Puts every piece of SQL through PostgreSQL's own parser where it is going to stand: a piece that ends its brackets or its
 * statement early would change other rows than it says.
 * @throws SlipwayError `config_invalid` naming the key
 */
export async function checkSql({ name, table, where, change, verify }: BackfillDefinition): Promise<void> {
  const pieces: readonly Piece[] = [
    ['table', `SELECT FROM ${table}`, ['SelectStmt']],
    ...expression('where', (sql) => `SELECT FROM t WHERE ${sql}`, where),
    ...(verify === null ? [] : [['verify', verify, ['SelectStmt']] as const]),
    ...(change.kind === 'set'
      ? Object.entries(change.columns).flatMap(([column, sql]) => expression(`set.${column}`, (inside) => `SELECT ${inside}`, sql))
      : []),
    ...(change.kind === 'statement'
      ? [['statement', change.sql.replaceAll('${batch}', 'SELECT 1'), ['UpdateStmt', 'InsertStmt', 'DeleteStmt', 'MergeStmt']] as const]
      : []),
  ];
  for (const [key, sql, kinds] of pieces) {
    const parsed = await parseSql(sql);
    const why = !parsed.ok ? parsed.message : whyNotOne(parsed.statements, kinds);
    if (why !== null)
      throw new SlipwayError('config_invalid', `\`${key}\` of the backfill ${name} is not what can stand there: ${why}`, {
        hint: 'Correct it in the file of the backfill; it is put into a statement as it is.',
      });
  }
}

type Piece = readonly [key: string, sql: string, kinds: readonly string[]];

/** It stands between brackets. With them it must not go on behind the expression, without them not end their pair and open another. */
function expression(key: string, around: (sql: string) => string, sql: string): readonly Piece[] {
  return [
    [key, around(sql), ['SelectStmt']],
    [key, around(`(${sql})`), ['SelectStmt']],
  ];
}

function whyNotOne(statements: readonly { readonly kind: string }[], kinds: readonly string[]): string | null {
  const [first, second] = statements;
  if (first === undefined) return 'it is empty';
  if (second !== undefined) return 'it is more than one statement';
  return kinds.includes(first.kind) ? null : `it is a ${first.kind.replace(/Stmt$/, '')}`;
}
