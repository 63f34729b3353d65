import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { LEASE } from './support.ts';

/** A store on a server, in which no process of `slipway serve` is known. */
export interface ServersBed {
  readonly home: string;
  readonly url: string;
  readonly store: OpenStore;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Processes that have a row, whatever is said of them. */
  rows(): Promise<readonly unknown[]>;
}

/** One for the tests of the file that calls this; each begins without processes. */
export function serversBed(): ServersBed {
  const home = mkdtempSync(path.join(tmpdir(), 'slw-servers-'));
  let postgres: TestPostgres;
  let url: string;
  let store: OpenStore;
  const query: ServersBed['query'] = (sql) => postgres.query('slipway', sql);
  beforeAll(async () => {
    postgres = await startPostgres();
    url = await postgres.create('slipway');
    store = await openStore({ home, url, node: 'bed', clock: systemClock, lease: LEASE });
  });
  beforeEach(async () => {
    await query('delete from slipway.flag_server');
    await query('delete from slipway.flag_reach');
  });
  afterAll(async () => {
    await store.close();
    await postgres.stop();
    rmSync(home, { recursive: true, force: true });
  });
  return {
    home,
    get url() {
      return url;
    },
    get store() {
      return store;
    },
    query,
    rows: async () => (await query('select process from slipway.flag_server order by 1')).map((row) => row['process']),
  };
}
