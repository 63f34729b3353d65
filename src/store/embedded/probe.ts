import { Client, escapeIdentifier } from 'pg';
import { SUPERUSER } from './initialise.ts';
import { SOCKET_PORT } from './socket.ts';

/** What the socket answers. `busy`: a server is there and starts, recovers or stops. */
export type Probe = 'up' | 'down' | 'busy' | 'stopping';

/** Nobody listens there, or there is no such place. */
const NOBODY = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'EACCES']);

const CONNECT_TIMEOUT_MS = 3_000;

/** One connection to the server's own `postgres` database, closed afterwards. */
async function withMaintenance<T>(socketDirectory: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    host: socketDirectory,
    port: SOCKET_PORT,
    user: SUPERUSER,
    database: 'postgres',
    password: '',
    ssl: false,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'slipway-launcher',
  });
  // A server that goes away while the connection idles reports it as an event; the query in flight fails by itself.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Tries to connect and says what is there. */
export async function probe(socketDirectory: string): Promise<Probe> {
  try {
    return await withMaintenance(socketDirectory, () => Promise.resolve('up' as const));
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message?: string };
    if (code === '53300') return 'up';
    if (code === '57P03') return /shutting down/.test(message ?? '') ? 'stopping' : 'busy';
    return code !== undefined && NOBODY.has(code) ? 'down' : 'busy';
  }
}

/** Creates a database unless it is there. */
export async function createDatabase(socketDirectory: string, name: string): Promise<void> {
  await withMaintenance(socketDirectory, async (client) => {
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount !== 0) return;
    try {
      await client.query(`create database ${escapeIdentifier(name)}`);
    } catch (error) {
      // 42P04 or a unique violation: another process made it in the same moment.
      if (!['42P04', '23505'].includes((error as { readonly code?: string }).code ?? '')) throw error;
    }
  });
}

/** How many clients other than this one are connected to any database of the server. */
export async function countClients(socketDirectory: string): Promise<number> {
  return withMaintenance(socketDirectory, async (client) => {
    const { rows } = await client.query<{ readonly n: number }>(
      `select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    return rows[0]?.n ?? 0;
  });
}
