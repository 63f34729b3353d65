import pg from 'pg';
import { judgeFiles, openAccess, type Finding } from '../../../src/database/index.ts';
import type { Case } from './needed-cases.ts';
import { session } from './session.ts';

/** The code of the server's refusal of what is done then; null where it takes the statement. */
export function refusals(): (one: Case) => Promise<string | null> {
  const { client } = session();
  return async ([before, sql]) => {
    await client().query('BEGIN');
    try {
      await client().query(before.replace(/^BEGIN;/, ''));
      await client().query('SAVEPOINT before');
      return await attempt(client(), sql);
    } finally {
      await client().query('ROLLBACK');
    }
  };
}

/** What is told of a statement where the catalog was asked, and what the server does. */
export interface Both {
  readonly refused: string | null;
  readonly verdict: string | undefined;
  readonly findings: readonly Finding[];
}

/** Makes a database as it was before; what lint says of the SQL then, and what the server does. @param path the database's own search_path */
export function withCatalog(path?: string): (one: Case) => Promise<Both> {
  const { url, client } = session(path);
  return async ([before, sql]) => {
    await client().query('DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await client().query(before.startsWith('BEGIN;') ? `${before}; COMMIT` : before);
    await client().query('DISCARD ALL');
    const file = { name: '1.sql', text: sql, direction: 'up' as const, transactions: 'statement' as const, gaps: [] };
    const asked = { access: openAccess(url()), postgres: null, sizes: new Map(), applied: true } as const;
    const [linted] = (await judgeFiles({ ...asked, format: 'sql', files: [file] })).files;
    await client().query('BEGIN');
    const refused = await attempt(client(), sql);
    await client().query('ROLLBACK');
    return { refused, verdict: linted?.verdict, findings: linted?.findings ?? [] };
  };
}

/** The code of the server's refusal; null where it takes it. */
export async function attempt(client: pg.Client, sql: string): Promise<string | null> {
  return client.query(sql).then(
    () => null,
    (error: unknown) => (error instanceof pg.DatabaseError ? (error.code ?? '') : 'not refused but broken'),
  );
}
