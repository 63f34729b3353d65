import { formatDuration, isJsonObject, type Check, type Verdict } from '../../kernel/index.ts';
import type { Plan, Step } from '../../release/index.ts';
import { renderChecks } from './checks.ts';
import { headline } from './progress.ts';
import { verdictWord, type Style } from './style.ts';
import { count, table, wrap } from './table.ts';

/** What `slipway plan` answers. */
export interface PlanAnswer {
  readonly plan: Plan;
  readonly checks: readonly Check[];
  /** Whether a release would start now. */
  readonly verdict: Verdict;
  /** Names of the checks that stand in its way. */
  readonly blocking: readonly string[];
}

/** The plan as a person reads it before deciding. */
export function renderPlan({ plan, checks, verdict, blocking }: PlanAnswer, width: number, style: Style): string {
  const blocks = [
    `${style.bold(headline({ ...plan, previous: plan.previous?.version ?? null }))}\n${facts(plan, width)}`,
    section('Steps, in order', plan.steps.map((step) => stepLine(step, style)).join('\n'), style),
    section('Database', migrations(plan, width), style),
    section('Way back', wayBack(plan, width), style),
    section('Risk and unknowns', renderChecks(plan.findings, width, style), style),
    section('Preflight, asked now', renderChecks(checks, width, style), style),
    conclusion(verdict, blocking, style),
  ];
  return blocks.filter((block) => block !== null).join('\n\n');
}

function section(title: string, text: string, style: Style): string | null {
  return text === '' ? null : `${style.bold(title)}\n${text}`;
}

function facts(plan: Plan, width: number): string {
  const { strategy, rollback } = plan;
  const chosen = strategy.name === strategy.recommended ? strategy.name : `${strategy.name} (recommended: ${strategy.recommended})`;
  return table([
    ['  release', `would be ${plan.release}`],
    [
      '  commit',
      plan.gitSha === null
        ? 'none: this folder is not a git repository'
        : `${plan.gitSha.slice(0, 12)}${plan.gitRef === null ? '' : ` on ${plan.gitRef}`}`,
    ],
    ['  strategy', wrap(`${chosen}: ${strategy.because}`, width - 14, ' '.repeat(12))],
    ['  approvals', approvalsOf(plan)],
    ...(plan.definition.flags === undefined ? [] : [['  flags', `${plan.definition.flags.join(', ')}: off when it is released`]]),
    [
      '  back within',
      `${formatDuration(rollback.targetMs)}, ${rollback.automatic ? 'by itself when a step fails' : 'only when a person orders it'}`,
    ],
  ]);
}

function approvalsOf(plan: Plan): string {
  const step = plan.steps.find((one) => one.approvals > 0);
  return step === undefined
    ? 'none'
    : `${count(step.approvals, 'person').replace('persons', 'people')} other than ${plan.requestedBy}, before ${step.id}`;
}

function stepLine(step: Step, style: Style): string {
  const how = step.repeat === null ? '' : repeated(step.repeat);
  return step.skip === null
    ? `  · ${step.id.padEnd(18)} ${step.title}${how}`
    : style.dim(`  – ${step.id.padEnd(18)} ${step.title} (skipped: ${step.skip})`);
}

/** A checkpoint says in its title how long it lasts. */
function repeated({ everyMs, forMs }: NonNullable<Step['repeat']>): string {
  return everyMs === 0 || forMs === null ? '' : ` for ${formatDuration(forMs)}, every ${formatDuration(everyMs)}`;
}

function migrations(plan: Plan, width: number): string {
  const { unknown } = plan.rollback;
  if (unknown !== undefined) return `  ${wrap(`UNKNOWN: ${unknown}`, width - 2, '  ')}`;
  const expected = plan.steps.find((step) => step.kind === 'migrate')?.input['expect'];
  if (!Array.isArray(expected) || expected.length === 0) return '';
  const names = expected.flatMap((one) => (isJsonObject(one) && typeof one['name'] === 'string' ? [one['name']] : []));
  // The class of each is a finding of the planner, in a sentence that begins with the name.
  return names.map((name) => `  ${plan.findings.find(({ reason }) => reason.startsWith(`${name} `))?.reason ?? name}`).join('\n');
}

function wayBack(plan: Plan, width: number): string {
  const rows = plan.steps.flatMap((step) => {
    const undo = plan.undo[step.id] ?? [];
    return undo.length === 0 ? [] : [[`  ${step.id}`, undo.map((one) => one.title).join(', then ')]];
  });
  return [
    `  ${wrap(`${plan.rollback.story}.`, width - 2, '  ')}`,
    ...(plan.flagsOff ?? []).map(({ title }) => `  First of all: ${title}.`),
    ...(rows.length === 0 ? [] : [table(rows)]),
    `  ${wrap(noReturn(plan.rollback), width - 2, '  ')}`,
  ].join('\n');
}

function noReturn({ pointOfNoReturn, unknown }: Plan['rollback']): string {
  if (unknown !== undefined)
    return 'Point of no return: UNKNOWN. Going back may have to restore the backup, and lose what users wrote since.';
  if (pointOfNoReturn === null) return 'No point of no return: going back never loses what users wrote.';
  return `Point of no return: ${pointOfNoReturn}. After it, going back restores the backup and loses what users wrote since; a person must accept that.`;
}

function conclusion(verdict: Verdict, blocking: readonly string[], style: Style): string {
  if (verdict === 'pass') return `${verdictWord('pass', style)}: a release would start. Nothing was changed.`;
  return `${verdictWord(verdict, style)}: a release would be blocked by ${blocking.join(', ')}. Nothing was changed.`;
}
