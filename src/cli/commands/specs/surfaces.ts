import type { CommandSpec } from '../spec.ts';
import { ENV, SERVER } from './common.ts';
import { DEFINE, FORMAT } from './lint.ts';

/** Files that follow the schema. */
export const SURFACES_COMMAND: CommandSpec = {
  path: 'db surfaces',
  purpose:
    'Say which files that follow the schema (Prisma, Drizzle, generated types, dumps, OpenAPI, GraphQL) are out of step with the migrations.',
  args: [{ syntax: '[path]', what: 'folder of migrations, or one SQL file (default: database.migrations of slipway.yaml)' }],
  options: [
    ENV,
    FORMAT,
    DEFINE,
    {
      flags: '--file <path>',
      what: 'look at this file; may be repeated (default: database.surfaces of slipway.yaml, else what is found)',
      many: true,
    },
    { flags: '--url <url>', what: 'compare with this database as it is, or the one whose URL is in this variable; no migration is run' },
    SERVER,
  ],
  notes:
    'Runs the migrations on an empty database that is removed afterwards, and compares what they made with what each file claims; docs/migrations.md says what of each kind is read. What a file computes, or nobody here understands, is unknown. Remarks (a column that an OpenAPI document or a GraphQL type does not show) do not fail.',
  examples: [
    { line: 'slipway db surfaces', what: 'everything found here' },
    { line: 'slipway db surfaces prisma/migrations --file prisma/schema.prisma', what: 'one file, against the migrations of Prisma' },
  ],
  exits: [
    [3, 'there is no such folder, or no migrations in it'],
    [6, 'a file is out of step, or could not be read; or the migrations do not run'],
    [22, 'the server cannot be reached, or refused'],
  ],
  json: '{ verdict, against, surfaces: [{ file, kind, verdict, reason, differences: [{ line, what, weight }] }] }',
  load: async () => (await import('../db-surfaces.ts')).run,
};
