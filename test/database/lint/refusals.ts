import pg from 'pg';
import { startPostgres } from '../../support/postgres.ts';
import type { Case } from './needed-cases.ts';

/** A server that says what it refuses. */
export interface Refusals {
  /** The code of the server's refusal of what is done then; null where it takes the statement. */
  of(one: Case): Promise<string | null>;
  stop(): Promise<void>;
}

export async function startRefusals(): Promise<Refusals> {
  const server = await startPostgres();
  const client = new pg.Client({ connectionString: server.url('postgres') });
  await client.connect();
  return {
    async of([before, sql]) {
      await client.query('BEGIN');
      try {
        await client.query(before.replace(/^BEGIN;/, ''));
        await client.query('SAVEPOINT before');
        return await client.query(sql).then(
          () => null,
          (error: unknown) => (error instanceof pg.DatabaseError ? (error.code ?? '') : 'not refused but broken'),
        );
      } finally {
        await client.query('ROLLBACK');
      }
    },
    async stop() {
      await client.end();
      await server.stop();
    },
  };
}
