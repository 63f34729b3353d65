import { OUTCOME_EXITS } from '../../output/outcome.ts';
import type { CommandSpec } from '../spec.ts';
import { DETACH, ENV, REASON, RELEASE, SKIP, VERSION, WAIT, WORKER } from './common.ts';

const LINES =
  'one document per line: {"kind":"submitted", release, ...}, then {"kind":"event", event} for each event of the ledger, then {"kind":"result", release, service, verdict, outcome, alreadyServes, because, remarks, rollback, stuck, evidence, unsealedBecause, exit}; of a set the lines of all its releases, each event with its "service", and {"kind":"set", set, releases, verdict, exit} as the last';

const INTERRUPTED = [130, 'Ctrl-C: no longer watching; the release goes on'] as const;

/** Commands that start something. */
export const RELEASE_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'init',
    purpose: 'Look at this project and write a commented slipway.yaml.',
    options: [
      { flags: '--force', what: 'replace a file that is there' },
      { flags: '--print', what: 'print the file instead of writing it' },
    ],
    examples: [
      { line: 'slipway init', what: 'write slipway.yaml for the project in this folder' },
      { line: 'slipway init --print', what: 'only look at what would be written' },
      { line: 'slipway -C services/shop init', what: 'for a project in another folder' },
    ],
    exits: [[4, 'there is a slipway.yaml already']],
    json: '{ file, text, detection }; "file" is null with --print',
    load: async () => (await import('../init.ts')).run,
  },
  {
    path: 'plan',
    purpose: 'Show what a release would do, its way back, its risks and every unknown. Changes nothing.',
    options: [ENV, VERSION, SKIP],
    notes: 'Every preflight question is asked now. What only a running agent can answer stays unknown until a release starts one.',
    examples: [
      { line: 'slipway plan', what: 'what would happen in dev' },
      { line: 'slipway plan --env prd --version 1.4.0', what: 'for another environment and version' },
      { line: 'slipway plan --json | jq .verdict', what: 'would it start? "pass", "fail" or "unknown"' },
    ],
    exits: [[6, 'a check fails or is unknown: a release would be blocked']],
    json: '{ plan, checks, verdict }; where the database could not be asked, plan.rollback.unknown says why, and plan.rollback.pointOfNoReturn (null) says nothing. Of a set: { set, plans: [{ plan, checks, verdict }], verdict }',
    load: async () => (await import('../plan.ts')).run,
  },
  {
    path: 'release',
    purpose: 'Release this change, or go back to where it was, and prove which of the two happened.',
    options: [ENV, VERSION, SKIP, WAIT, DETACH, WORKER],
    notes: 'Ctrl-C only ends the watching. PASS or FAIL is printed when the release is over and its evidence is sealed.',
    examples: [
      { line: 'slipway release', what: 'to dev, watched to its end' },
      { line: 'slipway release --env prd --worker here', what: 'in a CI job: driven by this process, the exit code tells the outcome' },
      { line: "slipway release --skip 'scan=scanned by the nightly job'", what: 'leave a stage out, for a recorded reason' },
    ],
    exits: [
      [5, 'another release holds this service and environment'],
      [6, 'with --wait: there are uncommitted changes, or no git'],
      ...OUTCOME_EXITS,
      INTERRUPTED,
    ],
    json: LINES,
    load: async () => (await import('../release.ts')).run,
  },
  {
    path: 'rollback',
    purpose: 'Order a release in flight back, or put the version before the serving one back.',
    args: [RELEASE],
    options: [
      ENV,
      { flags: '--to <version>', what: 'a version released here before (default: the one before the serving one)' },
      REASON,
      SKIP,
      { flags: '--accept-data-loss', what: 'in flight, past the point of no return: restore the backup and lose what users wrote since' },
      WAIT,
      DETACH,
      WORKER,
    ],
    notes:
      'A finished release is undone by a release of its own, of the artifact as it was verified. It is refused when a release in between carried a migration that only a backup takes back. --skip is for such a release; one in flight goes back by its own plan. Where slipway.yaml declares a set, all its services go back as one, in the reverse order: those in flight, else what was released as one.',
    examples: [
      { line: 'slipway rollback', what: 'back to the version before' },
      { line: 'slipway rollback --env prd --to 1.3.2', what: 'back to a certain version' },
      { line: "slipway rollback --skip 'observe.window=1.3.2 ran for weeks'", what: 'leave a step out, for a recorded reason' },
      { line: "slipway rollback 01k9 --reason 'orders fail'", what: 'order a release in flight back' },
    ],
    exits: [
      [3, 'no such release or version'],
      [4, 'there is nothing to go back to, or data would be lost'],
      [5, 'another release holds this service and environment'],
      ...OUTCOME_EXITS,
      INTERRUPTED,
    ],
    json: `in flight: { release, requested, by }, of a set { set, releases: [{ release, requested, by }] }; finished: ${LINES}`,
    load: async () => (await import('../rollback.ts')).run,
  },
  {
    path: 'demo',
    purpose: 'Release an example shop well and broken and back, or migrate its database under load, with evidence.',
    options: [
      { flags: '--keep', what: 'leave the shop running at the end' },
      {
        flags: '--fault <name>',
        what: 'what is wrong with the third release',
        choices: ['broken-writes', 'crash-at-start', 'slow', 'migration-fails-halfway', 'worker-dead'],
      },
      {
        flags: '--migration',
        what: 'instead, split a column of a large table in four phases while users read and write it (docs/guides/zero-downtime-migration.md)',
      },
      { flags: '--rows <number>', what: 'rows of that table (default: 500000)' },
      { flags: '--folder <path>', what: 'where the shop is put (default: a temporary folder)' },
    ],
    notes: 'Ctrl-C stops everything it started. Nothing outside the folder is changed.',
    examples: [
      { line: 'slipway demo', what: 'watch it happen, in about a minute' },
      { line: 'slipway demo --keep', what: 'and look around afterwards' },
      { line: 'slipway demo --fault crash-at-start', what: 'with another fault' },
      { line: 'slipway demo --migration', what: 'a migration without downtime, in two to four minutes' },
    ],
    exits: [
      [10, 'a release of the demo did not end as it should, or a user of the migration failed'],
      [130, 'Ctrl-C: what ran is stopped'],
    ],
    json: 'one document per line: {"kind":"line", line}; with --migration also those of the commands it runs',
    load: async () => (await import('../demo.ts')).run,
  },
];
