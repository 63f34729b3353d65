import type { MigrationResult, MigrationStatus } from '../../database/index.ts';
import { formatDuration } from '../../kernel/index.ts';
import { verdictWord, type Style } from './style.ts';
import { table } from './table.ts';

/** What a run did, for people. */
export function renderApplied({ verdict, reason, files }: Pick<MigrationResult, 'verdict' | 'reason' | 'files'>, style: Style): string {
  const rows = files.map(({ name, statements, attempts, durationMs }) => [
    name,
    `${statements} ${statements === 1 ? 'statement' : 'statements'}`,
    formatDuration(durationMs),
    attempts === 1 ? '' : `${attempts} tries`,
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
    ...(partial === null
      ? []
      : [style.bad(`${partial.name} is partly applied: ${partial.statement} of ${partial.statements} statements; applying goes on there`)]),
    ...[...drift, ...hindrances].map((line) => style.bad(line)),
  ];
  return lines.join('\n');
}

function pendingRow({ name, rollbackClass, transactional, because, hasDown }: MigrationStatus['pending'][number]): readonly string[] {
  return [
    name,
    rollbackClass,
    `${transactional ? 'in one transaction' : 'statement by statement'}${hasDown ? ', has a down file' : ''}`,
    because,
  ];
}
