import type { CommandSpec } from '../spec.ts';
import { CAPTURE_COMMAND } from './capture.ts';
import { ENV, SERVER } from './common.ts';
import { CONTRACT_COMMAND, MISMATCH_COMMAND } from './contract.ts';
import { DEFINE, FORMAT, LINT_COMMAND } from './lint.ts';
import { SURFACES_COMMAND } from './surfaces.ts';

/** Commands about the database of a service. */
export const DATABASE_COMMANDS: readonly CommandSpec[] = [
  LINT_COMMAND,
  {
    path: 'db plan',
    purpose: 'Say of pending migrations which phase they belong to, whether the old version may go on, and what is lost.',
    options: [
      ENV,
      { flags: '--offline', what: 'ask no database: all files count as pending, and nothing is counted' },
      { flags: '--runbook <file>', what: 'also write a runbook, as Markdown' },
    ],
    notes:
      'Phases are expand, backfill, switch and contract; a file that mixes them is no evidence for a change without downtime, and a split is proposed. Rollback classes are explained in docs/rollback.md.',
    examples: [
      { line: 'slipway db plan', what: 'against the database of dev' },
      { line: 'slipway db plan --env prd --runbook runbook.md', what: 'for a change window' },
    ],
    exits: [
      [
        6,
        'a file mixes phases, rows stand in the way, PostgreSQL will refuse a statement, folder and history disagree, or something is not known',
      ],
      [22, 'the database cannot be reached'],
    ],
    json: '{ verdict, asked, drift, runbook, surfaces: [{ file, kind, verdict, reason, differences: [{ line, what, weight }] }] | null, files: [{ name, phase, because, rollbackClass, classBecause, transactional, hasDown, statements: [{ line, text, phase, why }], split: [{ name, phase, sql }] | null, losses: [{ line, kind, what, rows, because, query }], refusals: [{ line, why }], notLookedAt: { line, why } | null, tables: [{ name, rows, bytes, dependants }], ledger: { old-shape: { value, from }, new-shape, rows, old-code, new-code, workers, reporting, rollback, artifacts, dependants, validation } }] }',
    load: async () => (await import('../db-plan.ts')).run,
  },
  {
    path: 'db trace',
    purpose: 'Run migrations on a database made for it, and say what each statement really locks, rewrites and reads.',
    args: [
      {
        syntax: '[path]',
        what: 'folder of migrations, or one SQL file (default: database.migrations of slipway.yaml, else where tools usually put them)',
      },
    ],
    options: [
      FORMAT,
      DEFINE,
      SERVER,
      {
        flags: '--schema <dump>',
        what: 'begin with this dump (pg_dump --schema-only) instead of an empty database; then only what --since names, and what comes after it, runs',
      },
      { flags: '--since <migration>', what: 'report only from this migration on; those before it run too, but with --schema' },
      { flags: '--all', what: 'show statements too that do nothing to tables in use' },
    ],
    notes:
      'All files run, in their order, on an empty database that is removed afterwards. Where a statement does more than db lint knows of, the file is unknown: that is a hole in the linter, and worth a report. Statements that cannot be in a transaction are made to wait in the middle, so that another session can see their locks.',
    examples: [
      { line: 'slipway db trace', what: 'the migrations of slipway.yaml' },
      {
        line: 'slipway db trace prisma/migrations --server STAGING_SERVER',
        what: "on a server of one's own, for its version and extensions",
      },
    ],
    exits: [
      [3, 'there is no such folder, or no migrations in it'],
      [6, 'a file was refused, could not be run, or did more than lint knows of'],
      [22, 'the server cannot be reached, or refused'],
    ],
    json: '{ path, format, postgres, verdict, files: [{ name, verdict, reason, ran, tookMs, statements: [{ line, text, tookMs, locksSeen, locks: [{ relation, mode }], scans, rewrites, missed, careful }] }] }',
    load: async () => (await import('../db-trace.ts')).run,
  },
  {
    path: 'db prove',
    purpose: 'Run the old and the new version on each schema a change goes through, and say which of them work.',
    options: [
      ENV,
      { flags: '--from <version>', what: 'the old version: one released here, a branch, a tag or a commit (default: what serves)' },
      {
        flags: '--queries-from <url>',
        what: 'also ask the old version what pg_stat_statements of this database says it asks; better the variable that holds the URL',
      },
      SERVER,
      {
        flags: '--beyond',
        what: 'with --server: run also what reaches beyond the database (roles, settings, files of the server); for a server that is thrown away',
      },
      { flags: '--keep', what: 'leave the databases for a look into them; the next run removes them' },
    ],
    notes:
      'Starts both versions with the databases made for it, without users and without a router, and asks their own smoke checks; docs/prove.md says what is required. The database of the service is not connected to. What a process reaches beside its database is real: choose an environment in which that does no harm.',
    examples: [
      { line: 'slipway db prove', what: 'the commit here against what serves' },
      { line: 'slipway db prove --from main --env test', what: 'in a CI job, against a branch' },
    ],
    exits: [
      [3, 'there is no such version or commit, or its artifact is gone'],
      [4, 'nothing serves, and no version was named'],
      [5, 'another run works in this state directory'],
      [6, 'a required cell failed or is unknown, or a version cannot be built'],
      [22, 'the server cannot be reached, or refused'],
      [130, 'Ctrl-C: databases and processes are removed'],
    ],
    json: '{ schema, id, at, durationMs, verdict, service, environment, old: { version, commit, told }, new, serverVersion, sample: { file, of, bytes, sha256 } | null, captured: { verdict, reason, role, since, statements, leftOut } | null, schemas: [{ schema, files, backfills, sameAs, unclear, verdict, reason }], cells: [{ version, part, schema, required, runsOn, meaning, verdict, cause, checks: [{ name, verdict, reason }], statements: { asked, recorded, sampled, plain }, output: { of, lines } | null, durationMs }], remarks, removed, kept, log, evidence: { file, sha256 } }',
    load: async () => (await import('../db-prove.ts')).run,
  },
  CAPTURE_COMMAND,
  SURFACES_COMMAND,
  {
    path: 'db apply',
    purpose: 'Apply pending migrations outside a release, or take some back.',
    options: [
      ENV,
      { flags: '--dry-run', what: 'only say what is applied, pending and out of step' },
      { flags: '--down <name>', what: 'take this migration back with its down file; may be repeated, newest first', many: true },
      { flags: '--accept-drift <reason>', what: 'apply although the folder and the history disagree, for this reason' },
    ],
    notes:
      'Does what the migrate step of a release does: one lock for the database, short lock timeouts with many tries, each file in one transaction or, where that is not possible, statement by statement with its progress recorded. A release also takes a backup and can go back; this does neither. What a release would ask first (contractions, required backfills, phases) it names and does not ask.',
    examples: [
      { line: 'slipway db apply --dry-run', what: 'what would be applied' },
      { line: 'slipway db apply --env stg', what: 'apply it' },
      { line: 'slipway db apply --down 20261121093000_add_price', what: 'take one back' },
    ],
    exits: [
      [3, 'the migration to take back is not applied'],
      [4, 'the database holds tables already, and no history of these migrations'],
      [5, 'another migration of this database does not end'],
      [6, 'a migration failed, folder and history disagree, or a dry run sees that it would be refused'],
      [22, 'the database cannot be reached, or refused'],
      [130, 'Ctrl-C: the statement that ran was cancelled and taken back'],
    ],
    json: '{ direction, acceptedDrift, remarks, verdict, reason, changed, applied, files: [{ name, sha256, statements, attempts, durationMs }], partial }; with --dry-run { verdict, history, applied, pending, drift, partial, hindrances, unusual, remarks }',
    load: async () => (await import('../db-apply.ts')).run,
  },
  CONTRACT_COMMAND,
  MISMATCH_COMMAND,
  {
    path: 'db backfill',
    purpose: 'Change the rows of a large table while users work with it, and prove that none is left.',
    args: [{ syntax: '<name>', what: 'backfills/<name>.yaml declares it' }],
    options: [
      ENV,
      { flags: '--dry-run', what: 'count, change a few rows in a transaction that is taken back, and say what it would cost' },
      { flags: '--status', what: 'where it stands' },
      { flags: '--pause', what: 'ask a running one to pause' },
      { flags: '--resume', what: 'ask a paused one to go on' },
      { flags: '--stop', what: 'ask a running one to end; running it again goes on where it was' },
      { flags: '--restart', what: 'forget how far it was and begin with the first row' },
      { flags: '--retry', what: 'try the rows again that were set aside' },
      { flags: '--evidence', what: 'check what was kept of its runs: every line, and the digest of each run' },
      { flags: '--workers <number>', what: 'parts of the table that are walked at once, from 1 to 32 (default: 1)' },
    ],
    notes:
      'Works in small transactions and waits while the database has better things to do; docs/backfill.md says how. Where it is, is recorded with the rows: after Ctrl-C, kill -9 or a restart of PostgreSQL the same command goes on.',
    examples: [
      { line: 'slipway db backfill split-names --dry-run', what: 'what it would cost' },
      { line: 'slipway db backfill split-names', what: 'do it, or go on with it' },
      { line: 'slipway db backfill split-names --pause', what: 'from another terminal' },
    ],
    exits: [
      [3, 'it never ran here, or nothing is kept of it'],
      [5, 'it runs already'],
      [6, 'rows are left that are wrong, or a dry run sees that some will be, or it was stopped, or lines of the evidence are not sealed'],
      [14, 'the evidence was changed'],
      [20, 'another run took over'],
      [22, 'the database cannot be reached, or refused'],
      [130, 'Ctrl-C: stopped after its batch'],
    ],
    json: '{ backfill, verdict, reason, scanned, changed, batches, passes, quarantined, wrong, durationMs, waitedMs, evidence: { file, sha256 } }; with --dry-run { backfill, forecast }, with --status { backfill, state, rows }, with --evidence { backfill, evidence: { file, verdict, reason, lines, runs: [{ line, at, verdict, sha256, agrees }] } }, otherwise { backfill, asked }',
    load: async () => (await import('../db-backfill.ts')).run,
  },
];
