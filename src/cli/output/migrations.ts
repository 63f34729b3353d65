import type { MigrationResult, MigrationStatus, PartialMigration } from '../../database/index.ts';
import { formatDuration } from '../../kernel/index.ts';
import { verdictWord, type Style } from './style.ts';
import { table } from './table.ts';

/** What a run did, for people. @param done what is so of its files where a later one failed */
export function renderApplied(
  { verdict, reason, files }: Pick<MigrationResult, 'verdict' | 'reason' | 'files'>,
  style: Style,
  done: string,
): string {
  const rows = files.map(({ name, statements, attempts, durationMs }) => [
    name,
    `${statements} ${statements === 1 ? 'statement' : 'statements'}`,
    formatDuration(durationMs),
    attempts === 1 ? '' : `${attempts} tries`,
    ...(verdict === 'pass' ? [] : [done]),
  ]);
  return `${verdictWord(verdict, style)} ${reason}${rows.length === 0 ? '' : `\n${table(rows, '  ')}`}`;
}

/** What is applied, pending and out of step. @param unusual pending names that do not follow the convention */
export function renderMigrationStatus(status: MigrationStatus, unusual: readonly string[], style: Style): string {
  const { applied, pending, drift, partial, history, hindrances } = status;
  const last = applied.at(-1);
  const lines = [
    `${applied.length} applied by ${history}${last === undefined ? '' : `, the last one ${last.name}${last.at === '' ? '' : ` at ${last.at}`}`}`,
    pending.length === 0 ? 'None is pending.' : `${pending.length} pending:`,
    ...(pending.length === 0 ? [] : [table(pending.map(pendingRow), '  ')]),
    ...unusual.map((name) => style.warn(`${name} is not named {timestamp}_{description}, so two people may give the same number`)),
    ...(partial === null ? [] : [partialLine(partial, style)]),
    ...[...drift, ...hindrances].map((line) => style.bad(line)),
  ];
  return lines.join('\n');
}

function partialLine({ name, direction, statement, statements }: PartialMigration, style: Style): string {
  const how = `${statement} of ${statements} statements`;
  return direction === 'up'
    ? style.warn(`${name} is partly applied: ${how}; applying goes on there`)
    : style.bad(`${name} is being taken back: ${how}; finish that first: slipway db apply --down ${name}`);
}

function pendingRow({ name, rollbackClass, transactional, because, hasDown }: MigrationStatus['pending'][number]): readonly string[] {
  return [
    name,
    rollbackClass,
    `${transactional ? 'in one transaction' : 'statement by statement'}${hasDown ? ', has a down file' : ''}`,
    because,
  ];
}
