import pg from 'pg';
import { SlipwayError } from '../kernel/index.ts';
import { connectError, refusedError } from './errors.ts';
import type { DatabaseAccess, DatabaseFacts } from './ports.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** After this much silence the kernel asks whether the other side is still there. */
const KEEPALIVE_MS = 10_000;

/**
 * Reads a connection URL (`postgresql://user:password@host:5432/shop`, or a unix socket as `?host=/dir`). Connects to nothing.
 * @throws SlipwayError `config_invalid` when it is none; the message never repeats it, for it may hold a password
 */
export function openAccess(url: string): DatabaseAccess {
  const refuse = (why: string): SlipwayError =>
    new SlipwayError('config_invalid', `database.url ${why}`, {
      hint: 'Write it like postgresql://user@host:5432/shop, or ?host=/dir for a unix socket.',
    });
  if (!URL.canParse(url)) throw refuse('is not a URL');
  const parsed = new URL(url);
  if (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:')
    throw refuse('is not a PostgreSQL URL (it must begin with postgresql://)');
  const name = decodeName(parsed.pathname.slice(1));
  if (name === null || name === '') throw refuse('names no database (the part after the last "/")');
  // The driver decodes the path with other rules than libpq, so a name both read alike is asked for.
  if (/[/?#%\p{Cc}]/u.test(name)) throw refuse('names a database with a character in its name that cannot be used here');
  return { url, name };
}

/** The same server and user, another database. */
export function siblingAccess(access: DatabaseAccess, name: string): DatabaseAccess {
  const url = new URL(access.url);
  url.pathname = `/${encodeURIComponent(name)}`;
  return { url: url.toString(), name };
}

/**
 * Opens a connection that tells its purpose in `pg_stat_activity` as `slipway PURPOSE`.
 * Role or database defaults that would end long work are switched off.
 * @throws SlipwayError `database_unreachable`
 */
export async function connect(access: DatabaseAccess, purpose: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: access.url,
    application_name: `slipway ${purpose}`.slice(0, 63),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    ...searchPathOf(access),
  });
  // A broken connection also rejects the query in flight; without a listener it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(SESSION);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw connectError(error, access);
  }
  return client;
}

/** `?schema=shop`, which the driver does not know, is how Prisma's URLs name the schema that everything is in. */
function searchPathOf({ url }: DatabaseAccess): { readonly options?: string } {
  const schema = new URL(url).searchParams.get('schema');
  // An option ends at a blank that is not escaped.
  return schema === null ? {} : { options: `-c search_path=${pg.escapeIdentifier(schema).replace(/[\\ ]/g, '\\$&')}` };
}

/** From PostgreSQL 14 a server notices within a second that its client was killed, and cancels what nobody waits for. */
const SESSION = `SELECT set_config('statement_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false),
  CASE WHEN current_setting('server_version_num')::int >= 140000 THEN set_config('client_connection_check_interval', '1000', false) END`;

/** Connects, works, disconnects. Errors of the server come out as SlipwayError; `doing` completes "PostgreSQL refused ...". */
export async function withClient<T>(access: DatabaseAccess, doing: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(access, doing);
  try {
    return await work(client);
  } catch (error) {
    throw refusedError(error, doing, access);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Size and what else preflight asks: can it be reached and written to, may backups be restored beside it?
 * @throws SlipwayError `database_unreachable` with the cause: server down, wrong password, no such database
 */
export async function databaseSize(access: DatabaseAccess): Promise<DatabaseFacts> {
  return withClient(access, 'inspecting the database', async (client) => {
    const { rows } = await client.query<{ version: number; read_only: boolean; bytes: string; user: string; can_create: boolean }>(
      `SELECT current_setting('server_version_num')::int AS version, current_user AS user,
         pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS read_only,
         pg_database_size(current_database()) AS bytes,
         (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user) AS can_create`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('a SELECT without FROM answered no row');
    return {
      serverVersion: row.version,
      readOnly: row.read_only,
      bytes: Number(row.bytes),
      user: row.user,
      canCreateDatabase: row.can_create,
    };
  });
}

function decodeName(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
