import type { CommandSpec, OptionSpec } from '../spec.ts';

/** The tool whose migrations are read. */
export const FORMAT: OptionSpec = {
  flags: '--format <tool>',
  what: 'whose migrations they are (default: told from the folder)',
  choices: [
    'slipway',
    'prisma',
    'drizzle',
    'diesel',
    'flyway',
    'liquibase',
    'goose',
    'dbmate',
    'sql-migrate',
    'node-pg-migrate',
    'sqlx',
    'golang-migrate',
    'knex',
    'typeorm',
    'ecto',
    'sql',
  ],
};
/** Values for templates. */
export const DEFINE: OptionSpec = {
  flags: '--define <name=value>',
  what: 'value of a placeholder, {{ name }} or ${name}; may be repeated',
  many: true,
};

/** `db lint`, which has more to choose from than the others. */
export const LINT_COMMAND: CommandSpec = {
  path: 'db lint',
  purpose: 'Judge migrations before they run: what they lock, rewrite and break, and what to write instead.',
  args: [
    {
      syntax: '[path]',
      what: 'folder of migrations, or one SQL file (default: database.migrations of slipway.yaml, else where tools usually put them); - for SQL on stdin',
    },
    { syntax: '[command...]', what: 'after `- --`: a command that prints the SQL, for tools whose migrations are programs' },
  ],
  options: [
    FORMAT,
    {
      flags: '--postgres <version>',
      what: 'version of PostgreSQL they will run on, 11 or newer, such as 15 or 14.3 (default: the newest that was measured)',
    },
    {
      flags: '--transactions <how>',
      what: 'how the tool runs a file, when it is not the usual way',
      choices: ['auto', 'file', 'string', 'statement'],
    },
    {
      flags: '--database <url>',
      what: 'read the catalog of this database, or of the one whose URL is in this variable: types, sizes, version; only what it has not applied is judged',
    },
    { flags: '--statistics <file>', what: 'JSON with the size of tables: {"orders":{"rows":5000000,"bytes":900000000}}' },
    DEFINE,
    { flags: '--since <migration>', what: 'report only from this migration on; those before it still say what is there' },
    { flags: '--down', what: 'judge the way back too; it never fails' },
    { flags: '--strict', what: 'warnings fail too' },
    { flags: '--notices', what: 'show notices too' },
    {
      flags: '--report <format>',
      what: 'print for another program: sarif (code scanning) or github (annotations of a pull request)',
      choices: ['sarif', 'github'],
    },
  ],
  notes:
    'No server is needed; of one that is named only the catalog is read. Nothing is run, but what prints the SQL of migrations that are programs: manage.py sqlmigrate, alembic upgrade --sql, database.print. A comment `-- slipway: allow RULE because "reason"` allows what it stands in front of. docs/lint.md lists the rules.',
  examples: [
    { line: 'slipway db lint migrations', what: 'every migration of a folder' },
    { line: 'slipway db lint prisma/migrations --since 20260101000000_add_orders', what: 'only what is new' },
    { line: 'slipway db lint - -- alembic upgrade head --sql', what: 'what another tool prints' },
    { line: 'slipway db lint migrations --postgres 15 --report sarif', what: 'for code scanning' },
  ],
  exits: [
    [3, 'there is no such folder, or no migrations in it'],
    [6, 'a migration fails, or could not be judged'],
    [26, 'the command that prints SQL was not found'],
    [22, 'the database cannot be reached, or refused'],
  ],
  json: '{ path, format, postgres, postgresFrom, measuredOn, verdict, counts: { files, pass, fail, unknown, error, warning, notice, allowed }, rules: { RULE: why }, files: [{ name, direction, verdict, findings: [{ rule, category, severity, certainty, message, fix, relation, line, column, allowed }], claims: [{ statement, line, locks: [{ relation, mode }], scans, rewrites }] }] }; "postgresFrom" is given, database or assumed; "claims" are what each statement does to tables in use',
  load: async () => (await import('../db-lint.ts')).run,
};
