import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import { valuesAbove, type ParameterValue } from '../core/prove/values.ts';
import { child, findAll } from '../core/tree.ts';
import type { Statement } from '../core/types.ts';
import { parseSql } from '../parser.ts';

/** A statement of the query set of a version. */
export interface DeclaredQuery {
  /** `orders.sql:3`. */
  readonly name: string;
  readonly text: string;
  readonly writes: boolean;
  readonly statement: Statement;
  /** Lists of values for its parameters, as they were recorded; it is executed with each. */
  readonly values: readonly (readonly ParameterValue[])[];
}

const WRITES = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/**
 * Reads the statements of all .sql files of a folder, in order.
 * @throws SlipwayError `not_found` when there is no such folder, `config_invalid` for a file that is no SQL, or holds more than queries
 */
export async function readQueries(directory: string, shown: string): Promise<readonly DeclaredQuery[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    throw new SlipwayError('not_found', `The folder of queries ${shown} cannot be read`, {
      hint: 'Correct database.queries in slipway.yaml; a commit that is past stays as it is, so compare with another one (--from).',
      cause,
    });
  });
  const queries: DeclaredQuery[] = [];
  for (const file of names.filter((name) => name.endsWith('.sql')).toSorted()) {
    const sql = await readFile(join(directory, file), 'utf8');
    const parsed = await parseSql(sql);
    if (!parsed.ok) throw new SlipwayError('config_invalid', `${shown}/${file}:${parsed.line}: ${parsed.message}`);
    for (const statement of parsed.statements) {
      const place = `${file}:${statement.line}`;
      const before = queries.filter(({ name }) => name === place || name.startsWith(`${place} (`)).length;
      // Of several on one line the comment above belongs to the first.
      const values = before === 0 ? valuesAbove(sql, statement.line) : [];
      const read = typeof values === 'string' ? values : asQuery(statement, before === 0 ? place : `${place} (${before + 1})`, values);
      if (typeof read === 'string') throw new SlipwayError('config_invalid', `${shown}/${file}:${statement.line}: ${read}`);
      queries.push(read);
    }
  }
  return queries;
}

/** Folders inside a folder of queries that hold some: each is what somebody else asks of the same database. */
export async function readConsumers(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  const held = await Promise.all(names.map(async (name) => (await readdir(join(directory, name))).some((file) => file.endsWith('.sql'))));
  return names.filter((_name, index) => held[index] === true).toSorted();
}

/** A statement as one of a query set; a sentence when it cannot be one. */
export function asQuery(statement: Statement, name: string, values: DeclaredQuery['values']): DeclaredQuery | string {
  const { kind, text } = statement;
  const writes = WRITES.has(kind) || findAll(child(statement.node, 'withClause'), [...WRITES]).length > 0;
  if (kind !== 'SelectStmt' && !WRITES.has(kind)) return 'only SELECT, INSERT, UPDATE, DELETE and MERGE can stand in a query set';
  // A SELECT with INTO makes a table.
  if (statement.node['intoClause'] !== undefined) return 'SELECT INTO makes a table, which cannot stand in a query set';
  return { name, text, writes, statement, values };
}
