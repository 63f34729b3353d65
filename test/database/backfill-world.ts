import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import {
  DEFAULT_LIMITS,
  openAccess,
  type BackfillDefinition,
  type BackfillRequest,
  type BatchRecord,
  type DatabaseAccess,
} from '../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { effects, scratch } from './support.ts';

/** A server for the file; for each test a database with people whose names are to be split. */
export interface BackfillWorld {
  readonly access: () => DatabaseAccess;
  readonly folder: () => string;
  readonly lines: string[];
  readonly batches: BatchRecord[];
  readonly people: (count: number) => Promise<void>;
  readonly definition: (more?: Partial<BackfillDefinition>) => BackfillDefinition;
  readonly request: (more?: Partial<BackfillRequest>, definition?: Partial<BackfillDefinition>) => BackfillRequest;
  readonly query: (sql: string) => Promise<readonly Record<string, unknown>[]>;
  readonly session: (name: string) => Promise<pg.Client>;
}

export function backfillWorld(): BackfillWorld {
  let server: TestPostgres;
  let access: DatabaseAccess;
  let folder: ReturnType<typeof scratch>;
  let number = 0;
  const lines: string[] = [];
  const batches: BatchRecord[] = [];
  const open: pg.Client[] = [];

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    number += 1;
    access = openAccess(await server.create(`fill${number}`));
    folder = scratch();
    lines.length = 0;
    batches.length = 0;
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.end().catch(() => undefined)));
    folder[Symbol.dispose]();
  });

  const query = (sql: string) => server.query(access.name, sql);
  const definition = (more: Partial<BackfillDefinition> = {}): BackfillDefinition => ({
    name: 'split-names',
    table: 'people',
    key: null,
    where: 'first_name IS NULL',
    change: { kind: 'set', columns: { first_name: "split_part(name, ' ', 1)", times: 'times + 1' } },
    verify: null,
    limits: { ...DEFAULT_LIMITS, nice: 0, mostRowsPerBatch: 100 },
    ...more,
  });
  return {
    access: () => access,
    folder: () => folder.path,
    lines,
    batches,
    query,
    people: async (count) => {
      await query(`CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL, first_name text, times int NOT NULL DEFAULT 0);
        INSERT INTO people SELECT n, 'First' || n || ' Last', NULL FROM generate_series(1, ${count}) n`);
    },
    definition,
    request: (more = {}, of = {}) => ({
      access,
      definition: definition(of),
      folder: folder.path,
      workers: 1,
      effects,
      onBatch: (record) => batches.push(record),
      onProgress: (line) => lines.push(line),
      ...more,
    }),
    session: async (name) => {
      const client = new pg.Client({ connectionString: access.url, application_name: name });
      client.on('error', () => undefined);
      await client.connect();
      open.push(client);
      return client;
    },
  };
}
