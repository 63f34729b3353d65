import type pg from 'pg';
import { SlipwayError } from '../kernel/index.ts';
import { ident, literal } from './server.ts';

/** Custom setting of a database that a restore put in place; written in the swap's own transaction, so it tells for certain. */
export const RESTORED_SETTING = 'slipway.restored';

interface Setting {
  /** Null for every role. */
  readonly role: string | null;
  readonly name: string;
  readonly value: string;
}

interface Grant {
  /** Null for PUBLIC. */
  readonly grantee: string | null;
  readonly privilege: string;
  readonly grantable: boolean;
}

interface DatabaseSettings {
  readonly owner: string;
  readonly connectionLimit: number;
  readonly comment: string | null;
  /** Null while nobody changed the default rights. */
  readonly grants: readonly Grant[] | null;
  readonly settings: readonly Setting[];
}

/**
 * Gives a restored database what belongs to the database itself and not to its content: owner, connection limit, comment, rights and
 * `ALTER DATABASE/ROLE ... SET`. What the user of the connection may not set is left out; {@link settingsDiffering} names it.
 * Not kept: security labels, replication slots and event-trigger ownership, which are bound to the old database for good.
 */
export async function copySettings(client: pg.Client, from: string, to: string): Promise<void> {
  const settings = await readSettings(client, from);
  const database = ident(to);
  const simple = [
    `ALTER DATABASE ${database} OWNER TO ${ident(settings.owner)}`,
    `ALTER DATABASE ${database} CONNECTION LIMIT ${settings.connectionLimit}`,
    ...(settings.comment === null ? [] : [`COMMENT ON DATABASE ${database} IS ${literal(settings.comment)}`]),
    ...(settings.grants === null ? [] : grantStatements(database, settings.grants)),
  ];
  for (const statement of simple) await tryInTransaction(client, (session) => session.query(statement));
  for (const { role, name, value } of settings.settings) {
    await tryInTransaction(client, async (session) => {
      // FROM CURRENT stores the value as it is; written into the statement, a list such as search_path would become one name.
      await session.query('SELECT set_config($1, $2, true)', [name, value]);
      const whose = role === null ? `DATABASE ${database}` : `ROLE ${ident(role)} IN DATABASE ${database}`;
      await session.query(`ALTER ${whose} SET ${name.split('.').map(ident).join('.')} FROM CURRENT`);
    });
  }
}

/** Names what a database does not have in common with another, of all that {@link copySettings} copies. */
export async function settingsDiffering(client: pg.Client, from: string, to: string): Promise<readonly string[]> {
  const [expected, found] = [await readSettings(client, from), await readSettings(client, to)];
  const lost = expected.settings.filter(
    (one) => !found.settings.some((other) => other.role === one.role && other.name === one.name && other.value === one.value),
  );
  return [
    ...(expected.owner === found.owner ? [] : [`owner ${expected.owner}`]),
    ...(expected.connectionLimit === found.connectionLimit ? [] : ['connection limit']),
    ...(expected.comment === found.comment ? [] : ['comment']),
    ...(sameGrants(expected, found) ? [] : ['rights (GRANT)']),
    ...lost.map(({ role, name }) => `setting ${name}${role === null ? '' : ` of role ${role}`}`),
  ];
}

async function tryInTransaction(client: pg.Client, work: (session: pg.Client) => Promise<unknown>): Promise<void> {
  await client.query('BEGIN');
  try {
    await work(client);
    await client.query('COMMIT');
  } catch {
    // Not allowed, or not settable in a session: found afterwards by comparing.
    await client.query('ROLLBACK');
  }
}

function grantStatements(database: string, grants: readonly Grant[]): readonly string[] {
  const who = (grantee: string | null): string => (grantee === null ? 'PUBLIC' : ident(grantee));
  const given = grants.map(
    ({ grantee, privilege, grantable }) =>
      `GRANT ${privilege} ON DATABASE ${database} TO ${who(grantee)}${grantable ? ' WITH GRANT OPTION' : ''}`,
  );
  return [`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`, ...given];
}

function sameGrants(a: DatabaseSettings, b: DatabaseSettings): boolean {
  const flat = (settings: DatabaseSettings): string =>
    JSON.stringify((settings.grants ?? []).map((grant) => JSON.stringify(grant)).toSorted());
  return a.grants === null || flat(a) === flat(b);
}

async function readSettings(client: pg.Client, name: string): Promise<DatabaseSettings> {
  const { rows } = await client.query<{
    owner: string;
    limit: number;
    comment: string | null;
    grants: Grant[] | null;
    settings: { role: string | null; entry: string }[] | null;
  }>(
    `SELECT pg_get_userbyid(d.datdba) AS owner, d.datconnlimit AS limit, shobj_description(d.oid, 'pg_database') AS comment,
       (SELECT json_agg(json_build_object('grantee', CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END, 'privilege', a.privilege_type, 'grantable', a.is_grantable))
          FROM aclexplode(d.datacl) a) AS grants,
       (SELECT json_agg(json_build_object('role', CASE WHEN s.setrole = 0 THEN NULL ELSE pg_get_userbyid(s.setrole) END, 'entry', e))
          FROM pg_db_role_setting s, unnest(s.setconfig) e WHERE s.setdatabase = d.oid) AS settings
     FROM pg_database d WHERE d.datname = $1`,
    [name],
  );
  const [row] = rows;
  if (row === undefined) throw new SlipwayError('database_refused', `The database ${name} does not exist`);
  const settings = (row.settings ?? []).map(({ role, entry }) => ({
    role,
    name: entry.slice(0, entry.indexOf('=')),
    value: entry.slice(entry.indexOf('=') + 1),
  }));
  return {
    owner: row.owner,
    connectionLimit: row.limit,
    comment: row.comment,
    grants: row.grants,
    settings: settings.filter((one) => one.name !== RESTORED_SETTING),
  };
}
