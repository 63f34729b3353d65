import type pg from 'pg';
import { SlipwayError } from '../../kernel/index.ts';
import { programsIn } from '../lint/formats-code.ts';
import type { Folder } from '../lint/ports.ts';
import { baseOf, numberOf } from './shared.ts';

/** A tool that only runs its migrations itself: how, and where it says what is applied. */
interface Program {
  readonly title: string;
  readonly command: string;
  readonly table: string;
  /** A query for the names of what is applied, as `names` makes them of a file. */
  readonly query: string;
  readonly names: (path: string) => string;
}

/** `alembic_version` only names the newest, and the files say in no order which came before. */
const UNTOLD = { table: 'alembic_version', query: '', names: baseOf };

const PROGRAMS: Readonly<Record<string, Program>> = {
  knex: {
    title: 'Knex',
    command: 'npx knex migrate:latest',
    table: 'knex_migrations',
    query: 'SELECT name FROM knex_migrations',
    names: baseOf,
  },
  typeorm: {
    title: 'TypeORM',
    command: 'npx typeorm migration:run -d DATA-SOURCE',
    table: 'migrations',
    query: 'SELECT "timestamp"::text AS name FROM migrations',
    names: numberOf,
  },
  ecto: {
    title: 'Ecto',
    command: 'mix ecto.migrate',
    table: 'schema_migrations',
    query: 'SELECT version::text AS name FROM schema_migrations',
    names: numberOf,
  },
  Sequelize: {
    title: 'Sequelize',
    command: 'npx sequelize-cli db:migrate',
    table: '"SequelizeMeta"',
    query: 'SELECT name FROM "SequelizeMeta"',
    names: baseOf,
  },
  Rails: {
    title: 'Rails',
    command: 'bin/rails db:migrate',
    table: 'schema_migrations',
    query: 'SELECT version::text AS name FROM schema_migrations',
    names: numberOf,
  },
  Django: {
    title: 'Django',
    command: 'python manage.py migrate',
    table: 'django_migrations',
    query: `SELECT app || '/' || name AS name FROM django_migrations`,
    // APP/migrations/0001_initial.py
    names: (path) => `${path.split('/').at(-3) ?? ''}/${baseOf(path).replace(/\.py$/, '')}`,
  },
  Alembic: { title: 'Alembic', command: 'alembic upgrade head', ...UNTOLD },
};
const MOST_NAMED = 5;

/**
 * Refuses a folder that only its own tool can apply, with what of it the tool's table does not hold.
 * @throws SlipwayError `config_invalid` with the command to put in its place
 */
export async function refusePrograms(folder: Folder, client: pg.Client | null): Promise<void> {
  if (folder.files.some((name) => name.endsWith('.sql'))) return;
  const programs = await programsIn(folder);
  if (programs === null) return;
  const { title = programs.tool, command = 'COMMAND' } = PROGRAMS[programs.tool] ?? {};
  const paths = programs.files.map((path) => ({ name: path, path: `${folder.directory}/${path}` }));
  const pending = client === null ? null : await pendingOf(client, programs.tool, paths);
  throw refusal(`These migrations are programs of ${title}, which only ${title} can run${told(pending)}`, command);
}

/** The files that the tool's table does not hold; null when there is none, or it does not tell. */
export async function pendingOf<F extends { readonly name: string; readonly path: string }>(
  client: pg.Client,
  tool: string,
  files: readonly F[],
): Promise<readonly F[] | null> {
  const program = PROGRAMS[tool];
  if (program === undefined || program.query === '') return null;
  const { rows: found } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [program.table]);
  if (found[0]?.there !== true) return null;
  const { rows } = await client.query<{ name: string }>(program.query);
  const applied = new Set(rows.map(({ name }) => name));
  return files.filter(({ path }) => !applied.has(program.names(path)));
}

function told(pending: readonly { readonly name: string }[] | null): string {
  if (pending === null) return '';
  const names = pending.map(({ name }) => name);
  const more = names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : '';
  return names.length === 0
    ? '; by its table, none is pending'
    : `; by its table, pending: ${names.slice(0, MOST_NAMED).join(', ')}${more}`;
}

function refusal(why: string, command: string): SlipwayError {
  return new SlipwayError('config_invalid', why, {
    hint: `Put the tool's command in the place of database.migrations: \`database.migrate: ${command}\`. slipway db lint still reads the folder.`,
  });
}
