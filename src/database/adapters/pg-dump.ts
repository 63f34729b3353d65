import { join } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import { databaseSize, siblingAccess } from '../access.ts';
import { createEmptyLike } from '../empty-database.ts';
import { hashFiles } from '../manifest.ts';
import { measureWhile } from '../measure.ts';
import type { Availability, BackupMethod, BackupTools, DatabaseAccess } from '../ports.ts';
import { succeed } from './client-tool.ts';
import { findClientTools, libpqConnection, type ClientTools } from './libpq.ts';

const DUMP_FILE = 'database.dump';
/** A migration elsewhere that holds a table must not make the dump wait for ever. */
const LOCK_WAIT = '--lock-wait-timeout=30s';

/** PostgreSQL's own `pg_dump` in custom format, with exact row counts of the same snapshot. */
export function pgDumpMethod(tools: BackupTools): BackupMethod {
  return {
    name: 'pg_dump',
    capabilities: { needsQuiet: false, canVerify: true },
    available: async (database) => {
      const found = await clientFor(database, tools);
      return found.ok ? { ok: true } : found;
    },
    write: async (hold, _key, folder) => {
      const client = await requireClient(hold.access, tools);
      const measured = await measureWhile(hold, (snapshot) => dump(hold.access, { client, snapshot, folder }, tools));
      const files = await hashFiles(folder);
      return { ...measured, files, location: null, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
    },
    stillThere: () => Promise.resolve(true),
    materialise: async (hold, _manifest, folder, into) => {
      const client = await requireClient(hold.access, tools);
      await createEmptyLike(hold, into);
      tools.effects.faults.at('backup.empty-created');
      const { url, env, secrets } = libpqConnection(siblingAccess(hold.access, into));
      const argv = [client.pgRestore, '--exit-on-error', '--no-password', `--dbname=${url}`, join(folder, DUMP_FILE)];
      succeed(await tools.run(argv, env, secrets), 'pg_restore', tools.effects.redact);
    },
    discard: () => Promise.resolve(),
  };
}

interface Dump {
  readonly client: ClientTools;
  readonly snapshot: string;
  readonly folder: string;
}

async function dump(database: DatabaseAccess, { client, snapshot, folder }: Dump, tools: BackupTools): Promise<void> {
  const { url, env, secrets } = libpqConnection(database);
  const argv = [
    client.pgDump,
    '--format=custom',
    `--snapshot=${snapshot}`,
    LOCK_WAIT,
    '--no-password',
    `--file=${join(folder, DUMP_FILE)}`,
    `--dbname=${url}`,
  ];
  succeed(await tools.run(argv, env, secrets), 'pg_dump', tools.effects.redact);
  tools.effects.faults.at('backup.dumped');
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
