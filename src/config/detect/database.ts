import type { ProjectFiles } from './files.ts';

export interface MigrationFacts {
  /** Folder of SQL files, for `database.migrations`. */
  readonly folder: string | null;
  /** Command of a migration tool, for `database.migrate`. */
  readonly command: string | null;
  /** A folder of migrations whose tool was not recognised. */
  readonly unrecognised: string | null;
}

const FOLDERS = ['migrations', 'db/migrations', 'database/migrations', 'sql/migrations', 'src/migrations', 'src/db/migrations'];

/** Where these tools keep their migrations unless told otherwise; Slipway applies them, and enters them in the tool's own table. */
const PRISMA = 'prisma/migrations';
const DRIZZLE = 'drizzle';

/** What a file of the tool says about the database it is for; without the file, the tool's command is what is known. */
async function isForPostgres(files: ProjectFiles, file: string, pattern: RegExp): Promise<boolean> {
  const dialect = pattern.exec((await files.text(file)) ?? '')?.[1] ?? '';
  return ['pg', 'postgres', 'postgresql'].includes(dialect);
}

/** How this project migrates its database, judged by its files. A tool's own folder wins over loose SQL files. */
export async function readMigrations(files: ProjectFiles, dependencies: ReadonlySet<string>): Promise<MigrationFacts> {
  const none: MigrationFacts = { folder: null, command: null, unrecognised: null };
  const names = await files.list('.');
  const starts = (prefix: string): boolean => names.some((name) => name.startsWith(prefix));
  if ((await files.list(PRISMA)).length > 0)
    return (await isForPostgres(files, `${PRISMA}/migration_lock.toml`, /^\s*provider\s*=\s*"([^"]+)"/m))
      ? { ...none, folder: PRISMA }
      : { ...none, command: 'npx prisma migrate deploy' };
  if (starts('drizzle.config.'))
    return (await isForPostgres(files, `${DRIZZLE}/meta/_journal.json`, /"dialect"\s*:\s*"([^"]+)"/))
      ? { ...none, folder: DRIZZLE }
      : { ...none, command: 'npx drizzle-kit migrate' };
  if (starts('knexfile.')) return { ...none, command: 'npx knex migrate:latest' };
  if (dependencies.has('node-pg-migrate')) return { ...none, command: 'npx node-pg-migrate up' };
  let unrecognised: string | null = null;
  for (const folder of FOLDERS) {
    const inside = await files.list(folder);
    if (inside.some((name) => name.endsWith('.sql'))) return { ...none, folder };
    if (inside.length > 0) unrecognised ??= folder;
  }
  return { ...none, unrecognised };
}

const ENV_FILES = ['.env', '.env.example', '.env.sample'];

/** Names (never values) of the variables in the project's .env files, and whether `.env` itself is there. */
export async function readEnvNames(files: ProjectFiles): Promise<{ readonly file: string | null; readonly names: readonly string[] }> {
  const names = new Set<string>();
  let file: string | null = null;
  for (const candidate of ENV_FILES) {
    const text = await files.text(candidate);
    if (text === null) continue;
    if (candidate === '.env') file = candidate;
    for (const [, name] of text.matchAll(/^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=/gm)) names.add(name ?? '');
  }
  return { file, names: [...names].toSorted() };
}

const CLIENTS = ['pg', 'postgres', 'pg-promise', '@prisma/client', 'drizzle-orm', 'knex', 'typeorm', 'sequelize', 'kysely', 'slonik'];

/** True when the project depends on a PostgreSQL client. */
export function usesPostgres(dependencies: ReadonlySet<string>): boolean {
  return CLIENTS.some((client) => dependencies.has(client));
}

/** The variable that holds the database URL, by its usual names. */
export function databaseVariable(names: readonly string[]): string | null {
  return ['DATABASE_URL', 'POSTGRES_URL', 'PG_URL', 'POSTGRESQL_URL', 'DB_URL'].find((name) => names.includes(name)) ?? null;
}
