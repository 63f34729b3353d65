import pg from 'pg';
import { startPostgres, type Version } from '../../test/support/postgres.ts';
import { FORMS } from './forms.ts';
import { measureForm } from './measure.ts';
import { measureTypes } from './types.ts';

/** What one version of PostgreSQL does. */
export interface Measured {
  readonly major: number;
  /** `target=AE scan=target` by form; a form the version does not have is left out. */
  readonly statements: ReadonlyMap<string, string>;
  /** `free/scan/scan` by kind of type change. */
  readonly types: ReadonlyMap<string, string>;
}

/** Starts the server and measures everything on it. */
export async function measureVersion(version: Version): Promise<Measured> {
  const server = await startPostgres({ version });
  const url = await server.create('measured');
  const client = new pg.Client(url);
  try {
    await client.connect();
    await prepare(client);
    const { rows } = await client.query<{ major: number }>(`SELECT current_setting('server_version_num')::int / 10000 AS major`);
    const statements = new Map<string, string>();
    for (const [name, form] of Object.entries(FORMS)) {
      const facts = await measureForm(client, url, form);
      if (facts !== null) statements.set(name, facts.join(' '));
    }
    const types = await measureTypes(client, 'America/Los_Angeles');
    const atUtc = await measureTypes(client, 'UTC');
    const different = [...atUtc].filter(([change, cost]) => types.get(change) !== cost);
    return {
      major: rows[0]?.major ?? 0,
      statements,
      types: new Map([...types, ...different.map(([change, cost]) => [`${change} at UTC`, cost] as const)]),
    };
  } finally {
    await client.end();
    await server.stop();
  }
}

/** Things of the server, not of a schema. */
async function prepare(client: pg.Client): Promise<void> {
  await client.query('CREATE EXTENSION citext');
  await client.query('SET allow_in_place_tablespaces = on');
  await client.query(`CREATE TABLESPACE elsewhere LOCATION ''`);
  // Table access methods came with 12.
  await client.query('CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler').catch(() => undefined);
}
