import { sql, type Kysely } from 'kysely';
import type { Pool } from 'pg';
import { messageOf, SlipwayError } from '../kernel/index.ts';
import { installQueues } from './boss.ts';
import { MIGRATIONS, READABLE_FROM, SCHEMA_VERSION } from './migrations.ts';
import { SCHEMA, type Tables } from './schema.ts';

/** The oldest server this was tested on. */
const OLDEST_SERVER = 150_000;

/** Any number that other programs are unlikely to lock in the same database ("slipway" in ASCII, shortened). */
const MIGRATION_LOCK = 0x73_6c_69_70;

/**
 * Brings the tables up to this build; one cheap query when they are. Safe for any number of workers at once.
 * @throws SlipwayError `store_version` when a newer build changed them beyond what this one understands,
 *   `store_unreachable` for a server that is too old
 */
export async function migrate(db: Kysely<Tables>, pool: Pool): Promise<void> {
  await refuseOldServer(pool);
  if (await isCurrent(pool)) return;
  await db.connection().execute(async (guard) => {
    // Held on its own connection, for the time of the work on others; released by the server should this process die.
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`.execute(guard);
    try {
      if (!(await isCurrent(pool))) await runMigrations(db, pool);
    } finally {
      await sql`select pg_advisory_unlock(${MIGRATION_LOCK})`.execute(guard);
    }
  });
}

async function refuseOldServer(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ readonly version: string; readonly number: number }>(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number`,
  );
  const server = rows[0];
  if (server !== undefined && server.number >= OLDEST_SERVER) return;
  throw new SlipwayError('store_unreachable', `The store's PostgreSQL is version ${server?.version}; Slipway needs 15 or newer`, {
    hint: 'Upgrade that server, or unset SLIPWAY_DATABASE_URL to use the built-in one.',
  });
}

async function isCurrent(pool: Pool): Promise<boolean> {
  const found = await readVersions(pool);
  if (found === null) return false;
  if (found.readableFrom > SCHEMA_VERSION) {
    throw new SlipwayError(
      'store_version',
      `The store has format ${found.version}, which needs a build that knows format ${found.readableFrom}; this one knows ${SCHEMA_VERSION}`,
    );
  }
  return found.version >= SCHEMA_VERSION;
}

async function readVersions(pool: Pool): Promise<{ readonly version: number; readonly readableFrom: number } | null> {
  try {
    const { rows } = await pool.query<{ readonly name: string; readonly value: string }>('select name, value from slipway.meta');
    const values = new Map(rows.map(({ name, value }) => [name, Number(value)]));
    return { version: values.get('version') ?? 0, readableFrom: values.get('readable_from') ?? 0 };
  } catch (error) {
    // 42P01 undefined_table, 3F000 invalid_schema_name: a new database.
    if (['42P01', '3F000'].includes((error as { readonly code?: string }).code ?? '')) return null;
    throw error;
  }
}

async function runMigrations(db: Kysely<Tables>, pool: Pool): Promise<void> {
  const { Migrator } = await import('kysely/migration');
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) },
    migrationTableSchema: SCHEMA,
    migrationTableName: 'migration',
    migrationLockTableName: 'migration_lock',
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error(messageOf(error));
  await installQueues(pool);
  await pool.query('create table if not exists slipway.meta (name text primary key, value text not null)');
  await pool.query(
    `insert into slipway.meta values ('version', $1), ('readable_from', $2) on conflict (name) do update set value = excluded.value`,
    [String(SCHEMA_VERSION), String(READABLE_FROM)],
  );
}
