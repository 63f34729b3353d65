import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { inProcess, scratch, type Ran } from './support.ts';

/** A project with a folder of migrations, and for each test a database of its own with nothing pending. */
export interface DatabaseWorld {
  readonly folder: string;
  readonly server: () => TestPostgres;
  /** In the database of the test. */
  readonly query: (sql: string) => Promise<readonly Record<string, unknown>[]>;
  readonly migration: (file: string, sql: string) => void;
  readonly slipway: (...args: readonly string[]) => Promise<Ran>;
  readonly json: (...args: readonly string[]) => Promise<{ readonly exit: number | null; readonly data: Record<string, unknown> }>;
}

/** Made and removed around the tests of the file that calls it. */
export function databaseWorld(): DatabaseWorld {
  const { path: folder, remove } = scratch();
  let server: TestPostgres;
  let number = 0;
  const name = (): string => `shop${number}`;

  beforeAll(async () => {
    server = await startPostgres();
    await server.create('store');
    mkdirSync(join(folder, 'backfills'));
    writeFileSync(
      join(folder, 'slipway.yaml'),
      'service: shop\nlisten: 127.0.0.1:8099\nrun: node server.js\ndatabase: { url: "${env:SHOP_DATABASE}", migrations: migrations }\n',
    );
  });
  afterAll(async () => {
    await server.stop();
    remove();
  });
  beforeEach(async () => {
    number += 1;
    await server.create(name());
    rmSync(join(folder, 'migrations'), { recursive: true, force: true });
    mkdirSync(join(folder, 'migrations'));
  });

  const slipway = (...args: readonly string[]): Promise<Ran> =>
    inProcess(['-C', folder, ...args], {
      SLIPWAY_DATABASE_URL: server.url('store'),
      SHOP_DATABASE: server.url(name()),
      SLIPWAY_ACTOR: 'ann',
    });
  return {
    folder,
    server: () => server,
    query: (sql) => server.query(name(), sql),
    migration: (file, sql) => writeFileSync(join(folder, 'migrations', file), sql),
    slipway,
    json: async (...args) => {
      const { exit, out } = await slipway(...args, '--json');
      return { exit, data: JSON.parse(out) as Record<string, unknown> };
    },
  };
}
