import type pg from 'pg';
import { ident } from './server.ts';

/**
 * Why a run would be refused before its first file, whatever the files say: may this session write at all, and make the schema in which
 * Slipway writes down what it did, unless it is there? Changes nothing.
 */
export async function hindrancesOf(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ readonly: boolean; lacks: boolean; database: string; user: string }>(
    `SELECT current_setting('transaction_read_only')::bool AS readonly, current_database() AS database, current_user AS user,
       to_regnamespace('slipway_history') IS NULL AND NOT has_database_privilege(current_database(), 'CREATE') AS lacks`,
  );
  const { readonly = false, lacks = false, database = '', user = '' } = rows[0] ?? {};
  return [
    ...(readonly
      ? ['The server is read-only (a standby, or default_transaction_read_only is set): point database.url at the primary, or clear it']
      : []),
    ...(lacks
      ? [`A right is missing to make the schema slipway_history: GRANT CREATE ON DATABASE ${ident(database)} TO ${ident(user)}`]
      : []),
  ];
}
