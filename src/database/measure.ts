import type pg from 'pg';
import { CURRENT_EDITION, digestSchema, FROM, USER_TABLE, type Edition } from './digest-schema.ts';
import type { Hold } from './ports.ts';
import { ident } from './server.ts';

/** What a backup is compared by. */
export interface Measure {
  readonly rows: Readonly<Record<string, number>>;
  readonly schemaDigest: string;
}

/** Counts every row of every user table and digests the schema, all in the client's transaction. */
async function measure(client: pg.Client, edition: Edition): Promise<Measure> {
  // With an empty path the catalog functions qualify every name, whatever the session's own path is.
  // A policy must make the count fail, not smaller.
  await client.query(`SELECT set_config('search_path', '', true), set_config('row_security', 'off', true)`);
  return { rows: await countRows(client), schemaDigest: await digestSchema(client, edition) };
}

/** As {@link measure}, of one snapshot of the database named; as a manifest of that edition has it. */
export async function measureDatabase({ session }: Pick<Hold, 'session'>, name: string, edition = CURRENT_EDITION): Promise<Measure> {
  const work = async (client: pg.Client): Promise<Measure> => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return measure(client, edition);
  };
  return session('counting rows', work, name);
}

/** Measures the live database at the very snapshot at which `copy` reads it, so the counts hold although users go on writing. */
export async function measureWhile({ access, session }: Hold, copy: (snapshot: string) => Promise<void>): Promise<Measure> {
  const work = async (client: pg.Client): Promise<Measure> => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await client.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
    await copy(rows[0]?.snapshot ?? '');
    return measure(client, CURRENT_EDITION);
  };
  return session('counting rows', work, access.name);
}

async function countRows(client: pg.Client): Promise<Readonly<Record<string, number>>> {
  const { rows: tables } = await client.query<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name ${FROM} WHERE ${USER_TABLE} AND c.relkind = 'r' ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
  );
  const counts: [string, number][] = [];
  for (const { schema, name } of tables) {
    // ONLY: the children of an inherited table are in the list themselves.
    const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ONLY ${ident(schema)}.${ident(name)}`);
    counts.push([`${schema}.${name}`, Number(rows[0]?.count)]);
  }
  return Object.fromEntries(counts);
}
