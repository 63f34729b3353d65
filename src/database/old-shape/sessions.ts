import type pg from 'pg';
import type { SessionGroup } from '../core/old-shape/facts.ts';

/** Sessions of programs on this database, Slipway's own left out. What the server shows of them is shown to every user. */
export async function readSessions(client: pg.Client): Promise<readonly SessionGroup[]> {
  const { rows } = await client.query<SessionGroup>(
    `SELECT coalesce(application_name, '') AS name, coalesce(usename::text, '') AS user, coalesce(host(client_addr), 'this machine') AS address,
       count(*)::int AS count, round(extract(epoch FROM min(backend_start)) * 1000)::float8 AS since
     FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL
       AND (backend_type IS NULL OR backend_type IN ('client backend', 'walsender')) AND application_name NOT LIKE 'slipway %'
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
  );
  return rows;
}
