import type { CountedLoss, MigrationPlan, PlannedFile, TouchedTable } from '../../database/index.ts';
import type { Verdict } from '../../kernel/index.ts';
import { verdictWord, type Style } from './style.ts';
import { fit, table, wrap } from './table.ts';
import type { Terminal } from './terminal.ts';

const CLASSES: Readonly<Record<PlannedFile['rollbackClass'], string>> = {
  app: 'the old version may go on; the schema stays',
  reversible: 'the old version may not go on; a down file takes the change back, nothing is lost',
  restore: 'only the backup brings it back, and what was written since is lost',
  'forward-fix': 'nothing brings it back; repair forward',
};

/** A plan for people: each file, its statements by phase, what is lost, what uses what it touches. */
export function renderMigrationPlan(
  { files, drift, asked, takenAway }: MigrationPlan,
  verdict: Verdict,
  { style, width }: Terminal,
): string {
  const head = `${verdictWord(verdict, style)} ${files.length === 0 ? 'no migration is pending' : `${files.length} pending`}${asked ? '' : '; no database was asked, so all files count as pending'}`;
  const gone = takenAway.map(({ file, what }) => `  ${wrap(`${file}: ${what.join('; ')}`, width - 4, '    ')}`);
  return [
    head,
    ...drift.map((line) => style.bad(line)),
    ...files.map((file) => `\n${renderFile(file, style, width)}`),
    ...(gone.length === 0 ? [] : ['', '`slipway db contract` says whether anybody still needs what goes:', ...gone]),
  ].join('\n');
}

function renderFile(file: PlannedFile, style: Style, width: number): string {
  const rows = [
    ['phase', `${phaseWord(file, style)}: ${file.because}`],
    ['rollback', `${file.rollbackClass}: ${CLASSES[file.rollbackClass]}`],
    ['', `because ${file.classBecause}`],
    ['applied', file.transactional ? 'in one transaction' : 'statement by statement, its progress recorded'],
    ...file.refusals.map(({ line, why }) => ['in the way', style.bad(`line ${line}: PostgreSQL will refuse it: ${why}`)]),
    ...(file.notLookedAt === null ? [] : [['not known', style.warn(notLookedText(file.notLookedAt))]]),
    // What would be in the way and is not there is no news.
    ...file.losses
      .filter(({ kind, rows }) => kind === 'lost' || rows !== 0)
      .map((loss) => [loss.kind === 'lost' ? 'lost' : 'in the way', lossText(loss, style)]),
    ...file.tables.map((one) => ['touches', tableText(one)]),
    ...ledgerRows(file),
  ];
  const statements = file.statements.map(({ line, phase, text }) => [
    `line ${line}`,
    phase,
    fit(text.replaceAll(/\s+/g, ' '), Math.max(30, width - 26)),
  ]);
  const split = file.split === null ? [] : ['  proposed split:', ...file.split.map(({ name, sql }) => `    ${name}\n${indented(sql)}`)];
  return [style.bold(file.name), table(rows, '  '), table(statements, '  '), ...split].join('\n');
}

const notLookedText = ({ line, why }: NonNullable<PlannedFile['notLookedAt']>): string =>
  `from line ${line} on: whether PostgreSQL takes it, for ${why}`;

/** What is declared, and what nobody knows; the rest is told above. */
function ledgerRows({ ledger }: PlannedFile): readonly (readonly [string, string])[] {
  const entries = Object.entries(ledger);
  const missing = entries.flatMap(([field, { value }]) => (value === null ? [field] : []));
  return [
    ...entries.flatMap(([field, { value, from }]) => (from === 'declared' ? [[field, value ?? ''] as const] : [])),
    ...(missing.length === 0
      ? []
      : [['not known', `${missing.join(', ')} (say it in the file: -- slipway: ledger ${missing[0] ?? ''} "...")`] as const]),
  ];
}

const phaseWord = ({ phase }: PlannedFile, style: Style): string =>
  phase === 'mixed' ? style.bad(phase) : phase === 'unknown' ? style.warn(phase) : phase;

function lossText({ line, kind, what, rows, because }: CountedLoss, style: Style): string {
  const count = rows === null ? `not counted (${because ?? ''})` : rows.toLocaleString('en-US');
  const text = `line ${line}: ${count} ${what}`;
  return kind === 'refused' && rows !== null && rows > 0 ? style.bad(text) : text;
}

function tableText({ name, rows, bytes, dependants }: TouchedTable): string {
  if (bytes === null) return name;
  const size = `${rows === null ? 'rows not known' : `about ${Math.round(rows).toLocaleString('en-US')} rows`}, ${Math.ceil(bytes / 1024 ** 2)} MiB`;
  return `${name} (${size})${dependants === null || dependants.length === 0 ? '' : `, used by ${dependants.join(', ')}`}`;
}

const indented = (sql: string): string =>
  sql
    .trimEnd()
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n');
