import type pg from 'pg';
import { SlipwayError } from '../../kernel/index.ts';
import { serverError } from '../errors.ts';
import { measureDatabase } from '../measure.ts';
import type { BackupManifest, BackupMethod, BackupTools, Hold, Written } from '../ports.ts';
import { databaseExists, dropDatabase, dropSiblings, ident, siblingOf, whileQuiet, withMaintenance } from '../server.ts';

/**
 * A copy inside the same server (`CREATE DATABASE ... TEMPLATE`): needs no client program, costs the database's size in disk,
 * and does not outlive the server's own disk. Every session of the database is ended while it is copied.
 */
export function templateMethod(tools: BackupTools): BackupMethod {
  return {
    name: 'template',
    capabilities: { needsQuiet: true, canVerify: true },
    available: (database) =>
      withMaintenance(database, 'checking rights', async (client) => {
        const { rows } = await client.query<{ ok: boolean }>(
          'SELECT rolcreatedb OR rolsuper AS ok FROM pg_roles WHERE rolname = current_user',
        );
        if (rows[0]?.ok === true) return { ok: true };
        return {
          ok: false,
          reason: 'the user of database.url may not create databases',
          hint: 'ALTER ROLE ... CREATEDB, or choose another backup method.',
        };
      }),
    write: async (hold, key) => {
      const location = siblingOf(hold.access, 'backup', key, hold.fence);
      await hold.session('dropping what earlier tries left', (client) => dropSiblings(client, hold.access, { purpose: 'backup', key }));
      await copyDatabase(hold, hold.access.name, location);
      tools.effects.faults.at('backup.copied');
      return measureCopy(hold, location);
    },
    stillThere: (hold, manifest) => hold.session('looking for the copy', (client) => databaseExists(client, locationOf(manifest))),
    materialise: (hold, manifest, _folder, into) => copyDatabase(hold, locationOf(manifest), into),
    discard: ({ session }, manifest) => session('dropping the copy', (client) => dropDatabase(client, locationOf(manifest))),
  };
}

function locationOf(manifest: BackupManifest): string {
  if (manifest.location === null) throw new SlipwayError('state_corrupt', 'The manifest of this template backup names no database');
  return manifest.location;
}

/** Counted in the copy itself, then closed, so that nobody can change what the manifest says. */
async function measureCopy(hold: Hold, location: string): Promise<Written> {
  const measured = await measureDatabase(hold, location);
  const bytes = await hold.session('closing the copy', async (client) => {
    await client.query(`ALTER DATABASE ${ident(location)} WITH ALLOW_CONNECTIONS false`);
    const { rows } = await client.query<{ bytes: string }>('SELECT pg_database_size($1) AS bytes', [location]);
    return Number(rows[0]?.bytes);
  });
  return { ...measured, files: [], location, bytes };
}

/** A killed worker's CREATE DATABASE may still be running in the server and finish under our hands. */
const ORPHAN_TRIES = 5;
const EXISTS = new Set(['42P04', '23505']);

async function copyDatabase(hold: Hold, from: string, to: string): Promise<void> {
  await whileQuiet(hold, [from], async (client) => {
    for (let attempt = 1; ; attempt += 1) {
      await dropDatabase(client, to);
      if (await createdFrom(client, from, to, attempt === ORPHAN_TRIES)) return;
    }
  });
}

/** False when the name was taken meanwhile and `last` is false. */
async function createdFrom(client: pg.Client, from: string, to: string, last: boolean): Promise<boolean> {
  try {
    await client.query(`CREATE DATABASE ${ident(to)} TEMPLATE ${ident(from)}`);
    return true;
  } catch (error) {
    if (!last && EXISTS.has(serverError(error)?.code ?? '')) return false;
    throw error;
  }
}
