import { join } from 'node:path';
import { SlipwayError, type ExecResult } from '../../kernel/index.ts';
import { databaseSize, siblingAccess, withClient } from '../access.ts';
import { createBackup, type Written } from '../create-backup.ts';
import { createEmptyLike } from '../empty-database.ts';
import { hashFiles } from '../manifest.ts';
import { measure } from '../measure.ts';
import type { Availability, BackupMethod, BackupTools, DatabaseAccess } from '../ports.ts';
import { findClientTools, libpqConnection, type ClientTools } from './libpq.ts';

const DUMP_FILE = 'database.dump';
/** A migration elsewhere that holds a table must not make the dump wait for ever. */
const LOCK_WAIT = '--lock-wait-timeout=30s';

/** PostgreSQL's own `pg_dump` in custom format, with exact row counts of the same snapshot. */
export function pgDumpMethod(tools: BackupTools): BackupMethod {
  const { clock, faults } = tools.effects;
  return {
    name: 'pg_dump',
    capabilities: { needsQuiet: false, canVerify: true },
    available: async (database) => {
      const found = await clientFor(database, tools);
      return found.ok ? { ok: true } : found;
    },
    create: async (database, key, directory) => {
      const client = await requireClient(database, tools);
      return createBackup({
        method: 'pg_dump',
        access: database,
        key,
        directory,
        clock,
        stillThere: () => Promise.resolve(true),
        write: async () => {
          const written = await dump(database, client, directory, tools);
          faults.at('backup.before-manifest');
          return written;
        },
      });
    },
    materialise: async (database, _manifest, directory, into) => {
      const client = await requireClient(database, tools);
      await createEmptyLike(database, into);
      faults.at('backup.empty-created');
      const { url, env, secrets } = libpqConnection(siblingAccess(database, into));
      const result = await tools.run(
        [client.pgRestore, '--exit-on-error', '--no-password', `--dbname=${url}`, join(directory, DUMP_FILE)],
        env,
        secrets,
      );
      succeed(result, 'pg_restore', tools);
    },
    discard: () => Promise.resolve(),
  };
}

/** Counting and dumping share one exported snapshot, so the counts hold for the dump although users go on writing. */
async function dump(database: DatabaseAccess, client: ClientTools, directory: string, tools: BackupTools): Promise<Written> {
  const measured = await withClient(database, 'counting rows', async (session) => {
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await session.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
    const { url, env, secrets } = libpqConnection(database);
    const argv = [
      client.pgDump,
      '--format=custom',
      `--snapshot=${rows[0]?.snapshot ?? ''}`,
      LOCK_WAIT,
      '--no-password',
      `--file=${join(directory, DUMP_FILE)}`,
      `--dbname=${url}`,
    ];
    succeed(await tools.run(argv, env, secrets), 'pg_dump', tools);
    tools.effects.faults.at('backup.dumped');
    return measure(session);
  });
  const files = await hashFiles(directory);
  return { ...measured, files, location: null, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
}

function succeed(result: ExecResult, name: string, tools: BackupTools): void {
  if (result.exitCode === 0) return;
  const how = result.timedOut
    ? 'did not end in time'
    : result.isCanceled
      ? 'was cancelled'
      : `failed (${result.signal ?? `exit ${result.exitCode ?? '?'}`})`;
  throw new SlipwayError('database_refused', tools.effects.redact(`${name} ${how}: ${result.tail.trim()}`));
}

async function requireClient(database: DatabaseAccess, tools: BackupTools): Promise<ClientTools> {
  const found = await clientFor(database, tools);
  if (!found.ok) throw new SlipwayError('client_tool_missing', found.reason, { hint: found.hint });
  return found.client;
}

/** pg_dump refuses a server newer than itself. */
async function clientFor(
  database: DatabaseAccess,
  tools: BackupTools,
): Promise<{ readonly ok: true; readonly client: ClientTools } | Extract<Availability, { ok: false }>> {
  const [{ serverVersion }, installed] = [await databaseSize(database), await findClientTools(tools.clientFolders)];
  const wanted = Math.floor(serverVersion / 10_000);
  // The oldest that will do: its dump can also be read by a pg_restore of the server's own version.
  const client = installed.findLast(({ major }) => major >= wanted);
  if (client !== undefined) return { ok: true, client };
  const [newest] = installed;
  const reason =
    newest === undefined
      ? `pg_dump is not installed (the server is PostgreSQL ${wanted})`
      : `pg_dump ${newest.major} is older than the server (PostgreSQL ${wanted})`;
  const hint = `Install it: apt-get install postgresql-client-${wanted} (from apt.postgresql.org if your system has no such version), or choose another backup method.`;
  return { ok: false, reason, hint };
}
