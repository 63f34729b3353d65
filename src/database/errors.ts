import { createRedactor, messageOf, SlipwayError } from '../kernel/index.ts';
import { quoted } from './core/plan/names.ts';
import type { DatabaseAccess } from './ports.ts';

/** What PostgreSQL adds to an error; all optional, as it depends on the statement. */
export interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly detail?: string | undefined;
  /** Character of the statement at which it found the error, from 1. */
  readonly position?: string | undefined;
}

/** Details of these classes quote the user's rows. */
export const QUOTES_ROWS = /^2[23]/;

/** The answer of the server to a statement it refused; null when the thing thrown is something else (a lost connection). */
export function serverError(thrown: unknown): ServerError | null {
  if (!(thrown instanceof Error) || !('code' in thrown) || !('severity' in thrown)) return null;
  return thrown as Error & ServerError;
}

/** Class 08, an administrator's shutdown, or a broken socket: nobody can say what became of the statement. */
export function isConnectionLost(thrown: unknown): boolean {
  const server = serverError(thrown);
  if (server !== null)
    return server.code.startsWith('08') || server.code.startsWith('57P') || server.code === '25P03' || server.code === '25P04';
  return (
    thrown instanceof Error &&
    /ECONNRESET|EPIPE|ETIMEDOUT|Connection terminated|not queryable|Client was closed/i.test(
      `${(thrown as NodeJS.ErrnoException).code ?? ''} ${thrown.message}`,
    )
  );
}

const REFUSED_AT_THE_DOOR: Readonly<Record<string, (access: DatabaseAccess, user: string) => readonly [message: string, hint: string]>> = {
  '28P01': (_access, user) => [
    `PostgreSQL refuses the password of user ${user}`,
    'Correct the password in the variable that database.url refers to.',
  ],
  '28000': (_access, user) => [`PostgreSQL does not let user ${user} in`, 'Check the user name and pg_hba.conf of the server.'],
  '3D000': (access) => [`The database ${access.name} does not exist`, 'Create it (createdb), or correct database.url.'],
  '53300': () => ['PostgreSQL has no connection left', 'Raise max_connections, or close connections that are not needed.'],
  '57P03': () => ['PostgreSQL is starting up or shutting down', 'Wait a moment and try again.'],
};

/** A connection that could not be made, in the user's words and without the password. */
export function connectError(thrown: unknown, access: DatabaseAccess): SlipwayError {
  const redact = createRedactor(secretsOf(access));
  const server = serverError(thrown);
  const where = placeOf(access);
  const known = server === null ? undefined : REFUSED_AT_THE_DOOR[server.code];
  if (known !== undefined) {
    const [message, hint] = known(access, userOf(access));
    return new SlipwayError('database_unreachable', redact(`${message} (${where})`), { hint, cause: thrown });
  }
  return new SlipwayError(
    'database_unreachable',
    redact(`The database ${access.name} cannot be reached at ${where}: ${reasonOf(thrown)}`),
    {
      cause: thrown,
    },
  );
}

/** A statement of ours that the server refused. */
export function refusedError(thrown: unknown, doing: string, access: DatabaseAccess): Error {
  if (thrown instanceof SlipwayError) return thrown;
  const redact = createRedactor(secretsOf(access));
  const server = serverError(thrown);
  if (server === null || isConnectionLost(thrown)) {
    return isConnectionLost(thrown)
      ? new SlipwayError('database_unreachable', redact(`The connection to the database was lost while ${doing}: ${reasonOf(thrown)}`))
      : (thrown as Error);
  }
  if (server.code === '25006') {
    const hint = 'Point database.url at the primary, or clear default_transaction_read_only.';
    return new SlipwayError('database_refused', `The server is read-only (a standby, or set so), which stops ${doing}`, { hint });
  }
  if (server.code === '42501') {
    // Slipway asks nothing else of a database as a whole.
    const grant = server.message.startsWith('permission denied for database')
      ? ` (GRANT CREATE ON DATABASE ${quoted(access.name)} TO ${quoted(userOf(access))})`
      : '';
    const hint = `Grant the right to user ${userOf(access)}${grant}, or give database.url a user that has it.`;
    return new SlipwayError('database_refused', redact(`A right is missing for ${doing}: ${server.message}`), { hint });
  }
  if (server.code === '53100')
    return new SlipwayError('disk_full', redact(`The database server's disk is full, which stopped ${doing}: ${server.message}`));
  const detail = server.detail === undefined || QUOTES_ROWS.test(server.code) ? '' : ` (${server.detail})`;
  return new SlipwayError(
    'database_refused',
    redact(`PostgreSQL refused ${doing}: ${server.message}${detail} [${server.code}]`),
    server.hint === undefined ? {} : { hint: redact(server.hint) },
  );
}

/** The password in an access, in both forms it is met in. */
export function secretsOf(access: DatabaseAccess): readonly string[] {
  const url = new URL(access.url);
  return [url.password, decodeURIComponent(url.password), url.searchParams.get('password') ?? ''].filter((text) => text !== '');
}

/** User name of an access; `(default)` when it leaves the choice to the system. */
function userOf(access: DatabaseAccess): string {
  const url = new URL(access.url);
  const user = url.searchParams.get('user') ?? decodeURIComponent(url.username);
  return user === '' ? '(default)' : user;
}

function placeOf(access: DatabaseAccess): string {
  const url = new URL(access.url);
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  const port = url.searchParams.get('port') ?? url.port;
  return `${host === '' ? 'localhost' : host}:${port === '' ? '5432' : port}`;
}

/** A refused connection to a name with several addresses comes as an AggregateError without a message. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(messageOf).join('; ');
  return messageOf(thrown);
}
