import type { MigrationPlan, PlannedFile } from '../../database/index.ts';
import type { Definition } from '../../release/index.ts';
import { formatDuration, type Verdict } from '../../kernel/index.ts';

/** What must be known before a migration and only people know. */
const ASK = '**to be filled in**';

type Section = readonly [title: string, lines: readonly string[]];

/**
 * The runbook of a migration as Markdown: everything the plan knows is in it, and what only people know is marked as missing
 * (requirements: operator, window, durations, thresholds, abort, partial application, order of going back, validation, communication).
 */
export function renderRunbook(plan: MigrationPlan, verdict: Verdict, definition: Definition): string {
  const sections = [...beforehand(plan, definition), ...meanwhile(verdict, definition), ...afterwards(plan)];
  const body = sections.map(([title, lines]) => `## ${title}\n\n${lines.map((line) => `- ${line}`).join('\n')}`).join('\n\n');
  return `# Runbook: migrate ${definition.service} in ${definition.environment}\n\n${body}\n`;
}

function beforehand({ files, drift, asked, takenAway }: MigrationPlan, { database, owners }: Definition): readonly Section[] {
  const lock = formatDuration(database?.lockTimeoutMs ?? 0);
  const statement = formatDuration(database?.statementTimeoutMs ?? 0);
  return [
    ['Who and when', [`Operator: ${ASK}`, `Owner of the database: ${owners.database ?? ASK}`, `Window: ${ASK}`]],
    ['What', files.length === 0 ? ['Nothing is pending.'] : files.map(fileLine)],
    [
      'Before',
      [
        ...(asked ? [] : ['The database was not asked: run `slipway db plan` against it.']),
        ...drift,
        '`slipway db apply --dry-run` says exactly these files.',
        '`slipway doctor` passes.',
        ...(takenAway.length === 0
          ? []
          : [`\`slipway db contract\` passes: nobody needs ${takenAway.flatMap(({ what }) => what).join(', ')} any more.`]),
        ...files.flatMap(refusals),
      ],
    ],
    [
      'Limits and how long',
      [
        `Each wait for a lock: at most ${lock}, then it lets go and tries again; each statement: at most ${statement}.`,
        `Expected duration: ${ASK} (apply it to a copy of production and time it)`,
        `Sizes: ${sizes(files)}`,
      ],
    ],
  ];
}

function meanwhile(verdict: Verdict, { service, environment }: Definition): readonly Section[] {
  return [
    [
      'Do it',
      [
        ...(verdict === 'fail' ? ['**Not yet: the plan fails.** Repair what "What" and "Before" say, and plan again.'] : []),
        `\`slipway release --env ${environment}\` (with backup and automatic way back), or \`slipway db apply --env ${environment}\` alone.`,
      ],
    ],
    [
      'Stop when',
      [
        `Errors or latency of ${service} rise above what \`observe\` and \`strategy\` in slipway.yaml say (a release stops by itself).`,
        `Further thresholds: ${ASK}`,
      ],
    ],
    [
      'Pause and abort',
      ['A release: `slipway pause`, `slipway abort`. `slipway db apply`: Ctrl-C cancels the statement that runs, which is taken back.'],
    ],
    [
      'Partly applied',
      [
        'A file in one transaction is applied or not. Others record each statement: run the same command again, and it goes on there. `slipway db apply --dry-run` says how far it is.',
      ],
    ],
  ];
}

function afterwards({ files }: MigrationPlan): readonly Section[] {
  return [
    ['Going back', files.toReversed().map(backLine)],
    ['Fallback without going back', [`Flag or setting that turns the new behaviour off: ${ASK}`]],
    [
      'Afterwards',
      [
        ...files.flatMap(validations),
        ...files.flatMap(declared),
        `Workers, batch jobs, reports that read these tables: ${dependants(files)}`,
        `Further validation queries: ${ASK}`,
      ],
    ],
    ['Tell people', [`Before: ${ASK}`, 'When it was taken back or is stuck: the notice of the release (`slipway show`).']],
  ];
}

const declared = ({ name, ledger }: PlannedFile): readonly string[] =>
  Object.entries(ledger).flatMap(([field, { value, from }]) => (from === 'declared' ? [`\`${name}\`, ${field}: ${value ?? ''}`] : []));

const fileLine = ({ name, phase, because, rollbackClass }: PlannedFile): string =>
  `\`${name}\`: ${phase} (${because}); rollback class ${rollbackClass}`;

function refusals({ losses, refusals: certain, notLookedAt, name }: PlannedFile): readonly string[] {
  return [
    ...certain.map(({ line, why }) => `\`${name}\` line ${line}: PostgreSQL will refuse it: ${why}.`),
    ...(notLookedAt === null
      ? []
      : [
          `\`${name}\` from line ${notLookedAt.line} on: whether PostgreSQL takes it is not known, for ${notLookedAt.why}. Try it on a copy.`,
        ]),
    ...losses
      .filter(({ kind }) => kind === 'refused')
      .map(({ line, what, rows, because }) => {
        const at = `\`${name}\` line ${line}:`;
        return rows === null ? `${at} there must be no ${what}; not counted (${because ?? ''}).` : `${at} ${rows} ${what}; must be 0.`;
      }),
  ];
}

function validations({ losses, name }: PlannedFile): readonly string[] {
  return losses
    .filter(({ kind }) => kind === 'lost')
    .map(({ line, what, rows }) => `\`${name}\` line ${line} lost ${rows ?? 'not counted:'} ${what}: is that what was meant?`);
}

function backLine({ name, rollbackClass, hasDown }: PlannedFile): string {
  if (rollbackClass === 'app') return `\`${name}\`: the old code goes back first and works with the new schema; nothing else is needed.`;
  if (rollbackClass === 'reversible' && hasDown)
    return `\`${name}\`: new code stops, then \`slipway db apply --down ${name}\`, then the old code starts.`;
  if (rollbackClass === 'restore')
    return `\`${name}\`: new code stops, the backup is restored (what was written since is lost), then the old code starts.`;
  return `\`${name}\`: there is no way back; repair forward.`;
}

function sizes(files: readonly PlannedFile[]): string {
  // A table that several files work on is one table.
  const tables = [...new Map(files.flatMap((file) => file.tables).map((one) => [one.name, one])).values()];
  if (tables.length === 0) return 'no table that is there already is touched';
  return tables
    .map(
      ({ name, rows, bytes }) =>
        `${name} ${rows === null ? '(rows not known)' : `${Math.round(rows)} rows`}${bytes === null ? '' : `, ${Math.ceil(bytes / 1024 ** 2)} MiB`}`,
    )
    .join('; ');
}

function dependants(files: readonly PlannedFile[]): string {
  const known = [...new Set(files.flatMap((file) => file.tables.flatMap((one) => one.dependants ?? [])))];
  return `${known.length === 0 ? 'none in the database itself' : known.join(', ')}; outside of it: ${ASK}`;
}
