import { formatDuration, toIso, type Instant } from '../../kernel/index.ts';
import { rollbackTimeText, type Printed } from '../../release/index.ts';
import type { ReleaseView, StageView, StepStateWord, StepView } from './release-view.ts';
import { verdictWord, type Style } from './style.ts';
import { fit, table } from './table.ts';

const SYMBOLS: Readonly<Record<StepStateWord, readonly [symbol: string, style: keyof Style]>> = {
  pending: ['·', 'dim'],
  running: ['▸', 'bold'],
  waiting: ['▸', 'bold'],
  pass: ['✓', 'good'],
  fail: ['✗', 'bad'],
  unknown: ['?', 'warn'],
  interrupted: ['!', 'warn'],
  skipped: ['–', 'dim'],
};

/** `✓`, `▸`...: the same sign everywhere a step or a stage is shown. */
export function stateSign(state: StepStateWord, style: Style): string {
  const [symbol, name] = SYMBOLS[state];
  return style[name](symbol);
}

/** Windows and checkpoints are looked at again and again; anything else is only tried again when it did not work. */
export function isLook(step: string): boolean {
  return step === 'observe.window' || step.startsWith('deploy.judge-');
}

/** What a program that failed printed last, below the line that says how it failed. */
export function printedLines(printed: Printed | null, style: Style, width = Infinity): readonly string[] {
  if (printed === null) return [];
  const lines = printed.lines.map((line) => style.dim(fit(`        ${line}`, width)));
  return [`      ${printed.of} printed last:`, ...lines];
}

/** `shop 1.0.0 -> 1.1.0 in prd`. */
export function headline(view: Pick<ReleaseView, 'kind' | 'service' | 'environment' | 'version' | 'previous'>): string {
  const from = view.previous === null ? '(first release)' : `${view.previous} ->`;
  const change = view.previous === null ? `${view.version} ${from}` : `${from} ${view.version}`;
  return `${view.kind === 'rollback' ? 'rollback of ' : ''}${view.service} ${change} in ${view.environment}`;
}

/** The compact live view: a line per stage, the running step beneath its stage. */
export function renderProgress(view: ReleaseView, now: Instant, width: number, style: Style): string {
  const lines = [style.bold(fit(headline(view), width)), style.dim(fit(`release ${view.release} by ${view.requestedBy}`, width)), ''];
  for (const stage of view.stages) lines.push(...stageLines(stage, now, width, style));
  const doing =
    view.outcome === null
      ? view.waiting === null
        ? view.status
        : `${view.status}: waiting for ${view.waiting}`
      : `ended: ${view.outcome}`;
  lines.push('', fit(view.because === null ? doing : `${doing} (${view.because})`, width));
  return lines.join('\n');
}

function stageLines(stage: StageView, now: Instant, width: number, style: Style): readonly string[] {
  const begun = stage.steps.map((step) => step.startedAt).filter((at) => at !== null);
  const ended = stage.steps.map((step) => step.finishedAt ?? now);
  const took = begun.length === 0 || stage.state === 'skipped' ? '' : formatDuration(Math.max(...ended) - Math.min(...begun));
  const told = stage.steps.filter((step) => ['running', 'waiting', 'fail', 'unknown', 'interrupted'].includes(step.state));
  const first = `${stateSign(stage.state, style)} ${stage.stage.padEnd(10)} ${style.dim(stage.state === 'skipped' ? fit(`skipped: ${stage.steps[0]?.reason ?? ''}`, width - 14) : took)}`;
  const lines = told.flatMap((step) => [`    ${stepLine(step, now, width - 4, style)}`, ...printedLines(step.printed, style, width)]);
  return [first.trimEnd(), ...lines];
}

function stepLine(step: StepView, now: Instant, width: number, style: Style): string {
  const elapsed = step.startedAt === null ? '' : formatDuration(now - step.startedAt);
  const text = step.state === 'running' || step.state === 'waiting' ? `${elapsed} ${runningText(step)}` : `${step.id}: ${step.reason}`;
  return `${stateSign(step.state, style)} ${fit(text.replaceAll(/\s+/g, ' '), width - 2)}`;
}

/** A look says what the one before saw. */
function runningText({ id, title, state, attempt, reason }: StepView): string {
  if (isLook(id)) return reason === '' ? title : `${title}; ${reason}`;
  return attempt > 1 && state === 'running' ? `${title}, try ${attempt}` : title;
}

/** The whole release: what was planned, every step with its verdict, reason, time and log, and how it ended. */
export function renderRelease(view: ReleaseView, logs: string, style: Style): string {
  const facts = table([
    ['release', view.release],
    ['requested', `${toIso(view.requestedAt)} by ${view.requestedBy}`],
    ['status', view.waiting === null ? view.status : `${view.status}, waiting for ${view.waiting}`],
    ['strategy', `${view.strategy.name}: ${view.strategy.because}`],
    ['way back', view.rollback.story],
    ...(view.rollback.unknown === null ? [] : [['no return', `not known: ${view.rollback.unknown}`]]),
    ...(view.rollback.pointOfNoReturn === null
      ? []
      : [['no return', `after ${view.rollback.pointOfNoReturn} the way back would lose what users wrote`]]),
    ...(view.rollback.time === null ? [] : [['went back', `in ${rollbackTimeText(view.rollback.time)}`]]),
    ...(view.because === null ? [] : [['because', view.because]]),
    ...view.remarks.map((remark) => ['remark', remark]),
    ...(view.stuck === null ? [] : [['stuck', view.stuck.reason]]),
    ['logs', logs],
  ]);
  const stages = view.stages.flatMap((stage) => [
    `${stateSign(stage.state, style)} ${style.bold(stage.stage)}`,
    ...stage.steps.flatMap((step) => stepLines(step, style)),
  ]);
  return [style.bold(headline(view)), '', facts, '', ...stages].join('\n');
}

function stepLines(step: StepView, style: Style): readonly string[] {
  const at = step.startedAt === null ? '' : ` ${style.dim(toIso(step.startedAt))}`;
  const took = step.startedAt === null || step.finishedAt === null ? '' : ` ${style.dim(formatDuration(step.finishedAt - step.startedAt))}`;
  const tries = step.attempt > 1 ? style.dim(isLook(step.id) ? ` (${step.attempt} looks)` : ` (try ${step.attempt})`) : '';
  const head = `  ${stateSign(step.state, style)} ${step.id}${at}${took}${tries}`;
  const reason =
    step.reason === '' ? `      ${style.dim(step.title)}` : `      ${step.state === 'skipped' ? 'skipped: ' : ''}${step.reason}`;
  const failed = step.checks
    .filter((check) => check.verdict !== 'pass')
    .map(
      (check) =>
        `      ${verdictWord(check.verdict, style)} ${check.name}: ${check.reason}${check.fix === undefined ? '' : `\n        fix: ${check.fix}`}`,
    );
  return [
    head,
    reason,
    ...failed,
    ...printedLines(step.printed, style),
    ...(step.log === null ? [] : [style.dim(`      log: ${step.log}`)]),
  ];
}
