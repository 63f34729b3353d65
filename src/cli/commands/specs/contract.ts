import type { CommandSpec } from '../spec.ts';
import { ENV } from './common.ts';

const ROWS = { flags: '--rows <number>', what: 'sample about so many rows for mismatches (default: 20000)' };

/** The gate before something of a schema goes. */
export const CONTRACT_COMMAND: CommandSpec = {
  path: 'db contract',
  purpose: 'Say whether anybody still needs what is about to be contracted: old versions, sessions, statements, views, functions.',
  args: [
    { syntax: '[name]', what: 'contracts/<name>.yaml declares it (default: all that are declared, and what pending migrations contract)' },
  ],
  options: [ENV, ROWS],
  notes:
    'What goes is read from the pending migrations; a declaration adds since when the service does without it and how that is seen. How often statements were called is remembered in the database (slipway_history), so that the next call can tell what was called since. docs/contract.md explains each check. A release asks the same in preflight.contract.',
  examples: [
    { line: 'slipway db contract', what: 'everything that is declared or pending' },
    { line: 'slipway db contract customer-name --env prd', what: 'one of them, in production' },
  ],
  exits: [
    [2, 'there is no such declaration'],
    [6, 'a check failed or is unknown'],
    [22, 'the database cannot be reached'],
    [130, 'Ctrl-C'],
  ],
  json: '{ schema, at, service, environment, verdict, contracts: [{ name, shapes, replacedBy, files, since, windowMs, verdict, checks: [{ name, verdict, reason, fix }] }] }',
  load: async () => (await import('../db-contract.ts')).run,
};

/** What of a double write went wrong. */
export const MISMATCH_COMMAND: CommandSpec = {
  path: 'db mismatch',
  purpose: 'Sample rows in which the old and the new shape of a change disagree, while both are written.',
  args: [{ syntax: '<name>', what: 'contracts/<name>.yaml declares how such rows are found' }],
  options: [
    ENV,
    ROWS,
    { flags: '--within <time>', what: 'stop sampling after this time (default: 1m)' },
    { flags: '--all', what: 'look at every row, in one read of at most 15 minutes' },
  ],
  notes:
    'Reads the newest rows by key, then pages at random, in short read-only transactions with a pause after each as long as it took. The bound it names holds for rows that are wrong independently of each other; where wrong rows stand together, --all is the proof.',
  examples: [
    { line: 'slipway db mismatch customer-name', what: 'a sample of 20,000 rows' },
    { line: 'slipway db mismatch customer-name --all', what: 'before the old shape goes' },
  ],
  exits: [
    [2, 'there is no such declaration'],
    [6, 'rows disagree, or nothing was looked at'],
    [22, 'the database cannot be reached, or refused'],
    [130, 'Ctrl-C'],
  ],
  json: '{ contract, verdict, reason, fix, rows, mismatched, undecided, drawn: { rows, mismatched }, examples, complete, tookMs }',
  load: async () => (await import('../db-mismatch.ts')).run,
};
