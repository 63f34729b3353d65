import { z } from 'zod';
import { HISTORY_NAMES } from '../../database/index.ts';
import type { CommandDefinition, DatabaseDefinition } from '../domain.ts';
import { argv, command, COMMAND_REFERENCES, commandFields, commandOf, words } from './command.ts';
import { nonBlank, orElse, positiveDuration, reason, relativePath, section, template } from './scalars.ts';

type Backup = DatabaseDefinition['backup'];

const backup = z
  .union([
    z.literal(['auto', 'pg_dump', 'template']),
    words(COMMAND_REFERENCES).transform((list) => ({ run: list })),
    section({ ...commandFields, restore: command(true).optional().describe('Command that restores the backup; without it the backup cannot be verified.') }),
    section({ none: reason.describe('Why there is no backup; it goes into the evidence.') }),
  ], 'auto, pg_dump, template, a command as a list, or { none: "why there is no backup" }')
  .transform((given): Backup => {
    if (typeof given === 'string') return { method: given, command: null, restore: null, reason: null };
    if ('none' in given) return { method: 'none', command: null, restore: null, reason: given.none };
    const restore = 'restore' in given && given.restore !== undefined ? given.restore : null;
    return { method: 'command', command: commandOf(given, true), restore, reason: null };
  });

const connectionUrl = template([]).refine(
  (text) => /^(postgres(ql)?:\/\/|\$\{)/.test(text),
  'must be a PostgreSQL URL (postgres://...) or a reference such as ${env:DATABASE_URL}',
);

export const databaseFields = {
  url: connectionUrl
    .optional()
    .describe('Connection URL, with the password by reference: ${env:DATABASE_URL}.'),
  embedded: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be a database name of lower-case letters, digits and "_"')
    .optional()
    .describe("Name of a database in Slipway's own PostgreSQL, instead of `url`."),
  env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of an environment variable')
    .optional()
    .describe('Variable under which processes and commands receive the URL (default DATABASE_URL).'),
  migrations: relativePath.optional().describe("Folder of ordered SQL files: Slipway's own, or those of a migration tool."),
  history: z.literal(['auto', ...HISTORY_NAMES]).optional().describe("Whose table says what of `migrations` is applied: slipway, or the tool the project has (default auto: told from the folder and the database)."),
  migrate: command(false).optional().describe('Command that applies migrations, instead of `migrations`.'),
  'migrate-rollback': z
    .literal(['app', 'restore', 'forward-fix'])
    .optional()
    .describe('What a failed release does after `migrate` ran: app (the old version lives with the new schema), restore the backup (default), or forward-fix.'),
  backup: backup.optional().describe('auto, pg_dump, template, a command as a list, or { none: "reason" } (default auto).'),
  'lock-timeout': positiveDuration.optional().describe('Longest wait for one lock while migrating; then it is tried again (default 100ms, at most half of deadlock_timeout of the server).'),
  'statement-timeout': positiveDuration.optional().describe('Longest time for one migration statement, CONCURRENTLY and VACUUM apart (default 10m).'),
  readers: z.array(connectionUrl).min(1).optional().describe('Connection URLs of standbys on which somebody reads, which `slipway db contract` asks too: ${env:STANDBY_URL}.'),
  print: argv([]).optional().describe('Command that prints the SQL of migrations that are programs, for `slipway db lint` and `db trace`.'),
  sample: relativePath.optional().describe('File of SQL with sample data, for `slipway db prove`.'),
  queries: relativePath.optional().describe('Folder of .sql files with the queries this version sends, for `slipway db prove`.'),
  surfaces: z
    .union([
      z.array(relativePath).min(1),
      section({
        files: z.array(relativePath).min(1).describe('Files that follow the schema: schema.prisma, Drizzle tables, generated types, dumps, OpenAPI, GraphQL.'),
        required: z.boolean().optional().describe('true: a release stops where one is out of step, or cannot be read (default false: it says so).'),
      }),
    ], 'a list of files, or { files: [...], required: true }')
    .transform((given) => ('files' in given ? { files: given.files, required: given.required ?? false } : { files: given, required: false }))
    .optional()
    .describe('Files that follow the schema, for `slipway db surfaces` and for releases.'),
  lint: z.literal('required').optional().describe('required: pending migrations must pass `slipway db lint`, by what the database holds, before a release applies them.'),
  prove: z.literal('required').optional().describe('required: a release with pending migrations first runs both versions on each schema, as `slipway db prove` does.'),
};

type Given = z.output<ReturnType<typeof section<typeof databaseFields>>>;

/** What does not make sense together: the key and why; the section itself where no key is to blame. */
function* conflictsIn(given: Given): Generator<readonly [key: string, message: string]> {
  const { url, embedded, migrations, migrate } = given;
  if (url === undefined && embedded === undefined) yield ['', 'needs `url` (such as ${env:DATABASE_URL}) or `embedded` (a database name)'];
  if (url !== undefined && embedded !== undefined) yield ['embedded', 'cannot stand beside `url`; keep one'];
  if (migrations !== undefined && migrate !== undefined) yield ['migrate', 'cannot stand beside `migrations`; keep one'];
  if (migrations === undefined) yield* missingFolder(given);
  if (given['migrate-rollback'] !== undefined && migrate === undefined) yield ['migrate-rollback', 'is about `migrate`; a migration file says it in its own header (-- slipway: rollback=...)'];
}

function* missingFolder({ history, surfaces, lint, prove }: Given): Generator<readonly [key: string, message: string]> {
  if (history !== undefined) yield ['history', 'needs `migrations`: a command keeps its own'];
  if (surfaces !== undefined) yield ['surfaces', 'needs `migrations`: there is nothing else to be in step with'];
  if (lint !== undefined) yield ['lint', 'needs `migrations`: of a command nobody knows what it will send'];
  if (prove !== undefined) yield ['prove', 'needs `migrations`: what a command changes cannot be tried beforehand'];
}

/** Checks what only makes sense together, and fills in defaults. */
export const database = section(databaseFields).transform((given, context): DatabaseDefinition => {
  const { url, embedded, migrations, migrate } = given;
  for (const [key, message] of conflictsIn(given)) context.addIssue({ code: 'custom', path: key === '' ? [] : [key], message });
  return {
    url: embedded === undefined ? orElse(url, '') : { embedded },
    env: orElse(given.env, 'DATABASE_URL'),
    migrations: orElse<string | null>(migrations, null),
    migrateCommand: orElse<CommandDefinition | null>(migrate, null),
    migrateClass: given['migrate-rollback'] ?? 'restore',
    backup: orElse<Backup>(given.backup, { method: 'auto', command: null, restore: null, reason: null }),
    lockTimeoutMs: orElse(given['lock-timeout'], 100),
    statementTimeoutMs: orElse(given['statement-timeout'], 600_000),
    ...whereGiven(given),
  };
});

function whereGiven({ history, readers, print, sample, queries, surfaces, lint, prove }: Given): Pick<
  DatabaseDefinition,
  'history' | 'readers' | 'print' | 'sample' | 'queries' | 'surfaces' | 'lint' | 'prove'
> {
  return {
    ...(history === undefined ? {} : { history }),
    ...(readers === undefined ? {} : { readers }),
    ...(print === undefined ? {} : { print }),
    ...(sample === undefined ? {} : { sample }),
    ...(queries === undefined ? {} : { queries }),
    ...(surfaces === undefined ? {} : { surfaces }),
    ...(lint === undefined ? {} : { lint }),
    ...(prove === undefined ? {} : { prove }),
  };
}

/** A person or team that is told. */
export const owner = nonBlank;
