import type { CommandSpec } from '../spec.ts';
import { ENV, SERVER } from './common.ts';

/** Query sets for `db prove`. */
export const CAPTURE_COMMAND: CommandSpec = {
  path: 'db capture',
  purpose: 'Write down what a version asks of its database, for `db prove`: as the server counted it, or as its tests send it.',
  options: [
    ENV,
    { flags: '--tests', what: 'run the test command on a database made for it, and take what it sends, with the values' },
    { flags: '--url <url>', what: 'the database to ask, or the variable that holds its URL (default: that of slipway.yaml)' },
    { flags: '--role <name>', what: 'whose statements (default: of the role that connects)' },
    { flags: '--minimum-calls <number>', what: 'leave out what was called less often (default: 1)' },
    SERVER,
    { flags: '--to <folder>', what: 'where the file goes (default: database.queries of slipway.yaml)' },
  ],
  notes:
    'Without --tests it reads pg_stat_statements: statements without their constants, of the version that was in service. What is no query, is about the catalog or belongs to Slipway is left out and counted. With --tests every statement passes through a door on 127.0.0.1 and is written down with values the tests used; SLIPWAY_SHADOW=1 is set. Look at the file before you commit it.',
  examples: [
    { line: 'slipway db capture --tests', what: 'what the version here sends, into tests.sql' },
    { line: 'slipway db capture --url REPLICA_URL --role shop --to queries-1.4', what: 'what users made it send, into captured.sql' },
  ],
  exits: [
    [4, 'the database has no pg_stat_statements, or it is not loaded'],
    [6, 'there was nothing, statements were lost, or the tests failed: what there is, is written all the same'],
    [22, 'the database cannot be reached, or refused'],
    [130, 'Ctrl-C: its database is removed'],
  ],
  json: '{ verdict, reason, role, since, statements, writes, leftOut: [{ why, statements }], file }',
  load: async () => (await import('../db-capture.ts')).run,
};
