import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { openAccess, type DatabaseAccess } from '../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { scratch } from './support.ts';

/** A server for the file; a database and a folder for each test. */
export interface DatabaseWorld {
  readonly server: () => TestPostgres;
  readonly access: () => DatabaseAccess;
  readonly folder: () => string;
  /** What was reported in this test. */
  readonly lines: string[];
  /** Runs SQL in the test's database. */
  readonly query: (sql: string) => Promise<readonly Record<string, unknown>[]>;
  /** A session that stays open until the test ends, as another program's would. */
  readonly session: (name: string) => Promise<pg.Client>;
}

/** @param settings of the server, beside the usual ones */
export function databaseWorld(settings: readonly string[] = []): DatabaseWorld {
  let server: TestPostgres;
  let access: DatabaseAccess;
  let folder: ReturnType<typeof scratch>;
  let number = 0;
  const lines: string[] = [];
  const open: pg.Client[] = [];

  beforeAll(async () => {
    server = await startPostgres({ settings });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    number += 1;
    access = openAccess(await server.create(`app${number}`));
    folder = scratch();
    lines.length = 0;
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.end().catch(() => undefined)));
    folder[Symbol.dispose]();
  });

  return {
    server: () => server,
    access: () => access,
    folder: () => folder.path,
    lines,
    query: (sql) => server.query(access.name, sql),
    session: async (name) => {
      const client = new pg.Client({ connectionString: access.url, application_name: name });
      client.on('error', () => undefined);
      await client.connect();
      open.push(client);
      return client;
    },
  };
}
