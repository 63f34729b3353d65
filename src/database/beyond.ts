import { beyondDatabase } from './core/beyond-database.ts';
import type { Statement } from './core/types.ts';
import { unfold } from './lint/unfold.ts';
import { parseSql } from './parser.ts';

/** A statement that reaches beyond its database. */
export interface Beyond {
  readonly line: number;
  readonly why: string;
}

/** The first statement, also of a body, that reaches beyond the database: nothing would take back what it does. @param sql the text they stand in */
export async function beyondIn(statements: readonly Statement[], sql: string): Promise<Beyond | null> {
  for (const statement of statements) {
    const { inner } = await unfold(statement, sql);
    for (const one of [statement, ...inner.map((each) => each.statement)]) {
      const why = beyondDatabase(one);
      if (why !== null) return { line: one.line, why };
    }
  }
  return null;
}

/** The same of a text; null of one that cannot be read, which no server takes either. */
export async function beyondInText(sql: string): Promise<Beyond | null> {
  const parsed = await parseSql(sql);
  return parsed.ok ? beyondIn(parsed.statements, sql) : null;
}
