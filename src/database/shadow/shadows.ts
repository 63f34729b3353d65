import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { connect, siblingAccess } from '../access.ts';
import { refusedError } from '../errors.ts';
import type { DatabaseAccess } from '../ports.ts';
import { dropDatabase, ident, literal } from '../server.ts';

/** Databases of one run, made to be tried on and thrown away. */
export interface Shadows {
  readonly serverVersion: number;
  /** Names of databases that an earlier run had left, and that are gone now. */
  readonly removed: readonly string[];
  /**
   * Makes a database: empty, or with all that is in another one of this run, to which nobody may be connected. On Slipway's
   * own server it is reached as its owner, who is no superuser: whatever runs there cannot reach beyond it.
   */
  make(name: string, like?: DatabaseAccess): Promise<DatabaseAccess>;
  /**
   * Makes what SQL that is to run there wants to have (`IF NOT EXISTS`), that only a superuser may make, and that reaches nothing beyond:
   * extensions that only look.
   */
  allow(shadow: DatabaseAccess, sql: string): Promise<void>;
  drop(shadow: DatabaseAccess): Promise<void>;
  /** Sessions that somebody else than Slipway has in it now, and all there ever were, where the server counts them. */
  sessions(shadow: DatabaseAccess): Promise<{ readonly foreign: number; readonly ever: number | null }>;
  /** Removes what there is, unless it is to be kept; answers the names of what stays. */
  close(keep: boolean): Promise<readonly string[]>;
}

const LONGEST_NAME = 63;
const PREFIX = 'slipway_shadow_';
/** Name of the sessions of the run that owns the databases with this id in their names: while it is connected they are in use. */
const ownerOf = (run: string): string => `prove ${run}`;
const DOING = 'making a database to prove on';

/**
 * Connects to the server on which shadow databases are made, and removes those whose run is not there any more.
 * @param server a database of the server that always exists; nothing is changed in it
 * @param run an id (lower-case ULID) that no other run has
 * @throws SlipwayError `database_unreachable`, `database_refused` (no right to make databases)
 */
export async function openShadows(server: DatabaseAccess, run: string): Promise<Shadows> {
  const control = await connect(server, ownerOf(run));
  const ask = async <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    try {
      return (await control.query<Row>(sql, [...values])).rows;
    } catch (error) {
      throw refusedError(error, DOING, server);
    }
  };
  try {
    const removed = await removeLeftovers(control, server);
    const [version] = await ask<{ version: number }>(`SELECT current_setting('server_version_num')::int AS version`);
    const made = new Set<string>();
    const owner = await ownerRole(control, server, run);
    const drop = async (name: string): Promise<void> => {
      await dropDatabase(control, name).catch((error: unknown) => {
        throw refusedError(error, 'removing a database to prove on', server);
      });
      made.delete(name);
    };
    return {
      serverVersion: version?.version ?? 0,
      removed,
      make: async (suffix, like) => {
        const name = `${PREFIX}${run}_${suffix}`;
        // PostgreSQL would cut it without a word, and two could become one.
        if (name.length > LONGEST_NAME) throw new Error(`${name} is no name of a database`);
        made.add(name);
        const owned = owner.name === null ? '' : ` OWNER ${ident(owner.name)}`;
        await ask(`CREATE DATABASE ${ident(name)} TEMPLATE ${ident(like?.name ?? 'template0')}${owned}`);
        return siblingAccess(owner.access, name);
      },
      allow: async ({ name }, sql) => {
        if (owner.name !== null && WANTS_COUNTERS.test(sql)) await makeCounters(siblingAccess(server, name));
      },
      drop: ({ name }) => drop(name),
      sessions: async ({ name }) => {
        const [row] = await ask<{ foreign: number; facts: Readonly<Record<string, unknown>> }>(SESSIONS, [name]);
        const ever = row?.facts['sessions'];
        return { foreign: row?.foreign ?? 0, ever: typeof ever === 'number' ? ever : null };
      },
      close: async (keep) => {
        try {
          if (!keep) for (const name of made) await drop(name);
          if (!keep && owner.name !== null) await ask(`DROP ROLE IF EXISTS ${ident(owner.name)}`);
        } finally {
          await control.end().catch(() => undefined);
        }
        return [...made];
      },
    };
  } catch (error) {
    await control.end().catch(() => undefined);
    throw error;
  }
}

/** What a contraction is asked with, so migrations of careful projects make it; a role that sees only its own statements does no harm with it. */
const WANTS_COUNTERS = /\bcreate\s+extension\s+if\s+not\s+exists\s+"?pg_stat_statements\b/i;

async function makeCounters(shadow: DatabaseAccess): Promise<void> {
  const client = await connect(shadow, DOING);
  try {
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  } catch (error) {
    throw refusedError(error, DOING, shadow);
  } finally {
    await client.end();
  }
}

/** Who owns the databases of a run, and how they are reached as it. */
interface Owner {
  /** Null: the user that was given. */
  readonly name: string | null;
  readonly access: DatabaseAccess;
}

/**
 * What runs on shadow databases was written for another server, and as a superuser it could change this one: its settings, its roles,
 * its files, its other databases. So a superuser makes a role for it that owns them and is none.
 */
async function ownerRole(control: pg.Client, server: DatabaseAccess, run: string): Promise<Owner> {
  const { rows } = await control.query<{ super: boolean }>('SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user');
  // On a server that somebody named, what runs has the rights of the user that was named with it: an extension may need them.
  if (server.own !== true || rows[0]?.super !== true) return { name: null, access: server };
  const name = `${PREFIX}${run}`;
  const password = randomBytes(18).toString('base64url');
  await control.query(`CREATE ROLE ${ident(name)} LOGIN NOSUPERUSER PASSWORD ${literal(password)}`);
  const url = new URL(server.url);
  url.username = name;
  url.password = password;
  for (const key of ['user', 'password']) url.searchParams.delete(key);
  return { name, access: { url: url.toString(), name: server.name } };
}

/** As JSON, because before PostgreSQL 14 a server does not count sessions. */
const SESSIONS = `SELECT to_jsonb(d) AS facts, (SELECT count(*)::int FROM pg_stat_activity a
    WHERE a.datname = d.datname AND backend_type = 'client backend' AND application_name NOT LIKE 'slipway %') AS foreign
  FROM pg_stat_database d WHERE datname = $1`;

async function removeLeftovers(control: pg.Client, server: DatabaseAccess): Promise<readonly string[]> {
  try {
    const { rows } = await control.query<{ name: string }>(
      `SELECT datname AS name FROM pg_database d WHERE datname ~ $1 AND NOT EXISTS (
         SELECT FROM pg_stat_activity WHERE application_name = 'slipway prove ' || substr(d.datname, $2, 26)) ORDER BY 1`,
      [`^${PREFIX}[0-9a-z]{26}_`, PREFIX.length + 1],
    );
    for (const { name } of rows) await dropDatabase(control, name);
    await dropRoles(control);
    return rows.map(({ name }) => name);
  } catch (error) {
    throw refusedError(error, 'removing what an earlier run left', server);
  }
}

/** Of runs that are gone, as their databases are; who owns one that is still there, stays. */
async function dropRoles(control: pg.Client): Promise<void> {
  const { rows } = await control.query<{ name: string }>(
    `SELECT rolname AS name FROM pg_roles r WHERE rolname ~ $1 AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
       AND NOT EXISTS (SELECT FROM pg_database d WHERE d.datdba = r.oid)
       AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'slipway prove ' || substr(r.rolname, $2, 26))`,
    [`^${PREFIX}[0-9a-z]{26}$`, PREFIX.length + 1],
  );
  for (const { name } of rows) await control.query(`DROP ROLE IF EXISTS ${ident(name)}`);
}
