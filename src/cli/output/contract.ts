import { formatDuration } from '../../kernel/index.ts';
import type { ContractReport, GateReport } from '../../release/index.ts';
import { renderChecks } from './checks.ts';
import { verdictWord } from './style.ts';
import { wrap } from './table.ts';
import type { Terminal } from './terminal.ts';

/** Everything that is declared or pending to be contracted, each with its checks. */
export function renderGate({ contracts, service, environment }: GateReport, terminal: Terminal): string {
  if (contracts.length === 0) return `Nothing is declared or pending to be contracted (${service} in ${environment}).`;
  return contracts.map((one) => renderContract(one, terminal)).join('\n\n');
}

function renderContract(report: ContractReport, { style, width }: Terminal): string {
  const { name, shapes, replacedBy, files, since, windowMs, verdict, checks } = report;
  const told = [
    `goes      ${wrap(shapes.length === 0 ? 'nobody can say what' : shapes.join(', '), width - 12, ' '.repeat(12))}`,
    ...(replacedBy === null ? [] : [`instead   ${replacedBy}`]),
    `files     ${files.length === 0 ? 'no pending migration contracts it yet' : files.join(', ')}`,
    `since     ${since === null ? 'not known' : `${since} does without it`}; window ${formatDuration(windowMs)}`,
  ];
  return [
    `${verdictWord(verdict, style)} ${style.bold(name ?? 'not declared')}`,
    ...told.map((line) => `  ${line}`),
    '',
    renderChecks(checks, width, style),
  ].join('\n');
}
