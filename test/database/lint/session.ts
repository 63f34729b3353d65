import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

/** A server for a test file, and a session in a database of it that goes on through all its tests. */
export interface Session {
  readonly url: () => string;
  readonly client: () => pg.Client;
}

export function session(path?: string): Session {
  let server: TestPostgres;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startPostgres();
    const connectionString = await server.create('shop');
    if (path !== undefined) await server.query('shop', `ALTER DATABASE shop SET search_path = ${path}`);
    client = new pg.Client({ connectionString });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });
  return { url: () => server.url('shop'), client: () => client };
}
