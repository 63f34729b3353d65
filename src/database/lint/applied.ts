import type pg from 'pg';
import { withClient } from '../access.ts';
import type { DatabaseAccess } from '../ports.ts';
import type { FormatName, SourceFile } from './ports.ts';

/** Where a tool keeps what it applied, and how that names a file. */
interface History {
  readonly table: string;
  readonly query: string;
  readonly names: (file: string) => string;
}

const bare = (file: string): string => file.split('/').at(-1) ?? file;
const number = (file: string): string => String(BigInt(/^\d+/.exec(bare(file))?.[0] ?? '0'));
const folder = (file: string): string => file.split('/').at(-2) ?? file;
const list = (table: string, column: string, where = ''): string => `SELECT ${column}::text AS name FROM ${table} ${where}`;

const HISTORIES: Partial<Readonly<Record<FormatName, History>>> = {
  slipway: {
    table: 'slipway_history.migration',
    query: list('slipway_history.migration', 'name', 'WHERE finished'),
    names: (file) => bare(file).replace(/(?:\.up|\.down)?\.sql$/, ''),
  },
  prisma: {
    table: '_prisma_migrations',
    query: list('_prisma_migrations', 'migration_name', 'WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL'),
    names: folder,
  },
  diesel: {
    table: '__diesel_schema_migrations',
    query: list('__diesel_schema_migrations', 'version'),
    names: (file) => (folder(file).split('_')[0] ?? '').replaceAll('-', ''),
  },
  flyway: { table: 'flyway_schema_history', query: list('flyway_schema_history', 'script', 'WHERE success'), names: bare },
  liquibase: { table: 'databasechangelog', query: list('databasechangelog', 'filename'), names: bare },
  goose: { table: 'goose_db_version', query: list('goose_db_version', 'version_id', 'WHERE is_applied'), names: number },
  dbmate: { table: 'schema_migrations', query: list('schema_migrations', 'version::numeric'), names: number },
  ecto: { table: 'schema_migrations', query: list('schema_migrations', 'version'), names: number },
  'sql-migrate': { table: 'gorp_migrations', query: list('gorp_migrations', 'id'), names: bare },
  sqlx: { table: '_sqlx_migrations', query: list('_sqlx_migrations', 'version', 'WHERE success'), names: number },
  'golang-migrate': { table: 'schema_migrations', query: list('schema_migrations', 'version'), names: number },
  knex: { table: 'knex_migrations', query: list('knex_migrations', 'name'), names: bare },
};

/**
 * Leaves out what the tool's own history table says is applied. Null when the database has no such table: then nothing is known of it.
 * @throws SlipwayError `database_unreachable`, `database_refused`
 */
export async function pendingFiles(
  access: DatabaseAccess,
  format: FormatName,
  files: readonly SourceFile[],
): Promise<readonly SourceFile[] | null> {
  const history = HISTORIES[format];
  if (history === undefined) return null;
  return withClient(access, 'lint', async (client) => {
    const applied = await appliedNames(client, history);
    // Slipway makes its table with the first migration it applies.
    if (applied === null) return format === 'slipway' ? files : null;
    // It only keeps the newest: everything up to it is applied.
    const newest = format === 'golang-migrate' ? [...applied].map(Number).reduce((a, b) => Math.max(a, b), -1) : null;
    return files.filter(({ name }) => (newest === null ? !applied.has(history.names(name)) : Number(history.names(name)) > newest));
  });
}

async function appliedNames(client: pg.Client, { table, query }: History): Promise<ReadonlySet<string> | null> {
  const { rows: found } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [table]);
  if (found[0]?.there !== true) return null;
  const { rows } = await client.query<{ name: string }>(query);
  return new Set(rows.map(({ name }) => name));
}
