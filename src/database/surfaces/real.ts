import { withClient } from '../access.ts';
import type { RealColumn, RealSchema } from '../core/surfaces/types.ts';
import type { DatabaseAccess } from '../ports.ts';

interface Row {
  readonly table: string;
  readonly view: boolean;
  readonly columns: readonly RealColumn[];
}

/** What migration tools keep for themselves. */
const BOOKS = `'_prisma_migrations', 'schema_migrations', 'ar_internal_metadata', 'knex_migrations', 'knex_migrations_lock', 'kysely_migration',
  'kysely_migration_lock', 'flyway_schema_history', 'databasechangelog', 'databasechangeloglock', 'goose_db_version', '_sqlx_migrations',
  '__diesel_schema_migrations', '__drizzle_migrations', 'gorp_migrations', 'typeorm_metadata', 'pgmigrations'`;
const NO_SCHEMA = `'pg_catalog', 'information_schema', 'slipway', 'slipway_history', 'drizzle'`;
const NAME = `CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END`;
/** What an extension brought is not the application's. */
const OWN = (catalog: string, oid: string): string =>
  `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;

const TABLES = `SELECT ${NAME} || c.relname AS "table", c.relkind IN ('v', 'm') AS view,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'nullable', NOT a.attnotnull,
     'optional', NOT a.attnotnull OR a.atthasdef OR a.attidentity <> '',
     'enum', EXISTS (SELECT FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem WHERE t.oid = a.atttypid AND 'e' IN (t.typtype, e.typtype)))
     ORDER BY a.attnum), '[]') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname NOT IN (${NO_SCHEMA}) AND n.nspname !~ '^pg_'
  AND c.relname NOT IN (${BOOKS}) AND ${OWN('pg_class', 'c.oid')} ORDER BY 1`;

const ENUMS = `SELECT ${NAME} || t.typname AS name, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS values
FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname NOT IN (${NO_SCHEMA}) AND ${OWN('pg_type', 't.oid')} GROUP BY 1 ORDER BY 1`;

/** Tables, views, columns and enums of a database. */
export async function readRealSchema(access: DatabaseAccess): Promise<RealSchema> {
  return withClient(access, 'reading the schema', async (client) => {
    await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = '30s'; SET LOCAL search_path = pg_catalog, public`);
    const tables = await client.query<Row>(TABLES);
    const enums = await client.query<{ name: string; values: readonly string[] }>(ENUMS);
    await client.query('ROLLBACK');
    return { tables: tables.rows.map(({ table, view, columns }) => ({ name: table, view, columns })), enums: enums.rows };
  });
}
