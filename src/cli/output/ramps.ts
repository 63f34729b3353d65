import { formatDuration, toIso, type Instant } from '../../kernel/index.ts';
import { outlookOf, stepText, type RampState } from '../../release/index.ts';
import { plain } from './as-is.ts';
import { verdictWord, type Style } from './style.ts';
import { table } from './table.ts';

function statusOf({ ended, reversing, paused, set }: RampState): string {
  if (ended !== null) return ended.outcome;
  if (reversing !== null) return 'turning off';
  if (paused !== null) return 'paused';
  return set === null ? 'starting' : 'running';
}

/** A ramp as `--json` answers it. */
export function rampView(state: RampState): object {
  const { plan, set, look, paused, ended } = state;
  const { ramp, flag, variant, environment, service, steps, reason, startedBy } = plan;
  const outlook = outlookOf(state);
  const step = set === null ? undefined : steps[set.index];
  return {
    ramp,
    flag,
    variant,
    environment,
    service,
    status: statusOf(state),
    step:
      set === null || step === undefined ? null : { number: set.index + 1, of: steps.length, what: stepText(step), since: toIso(set.at) },
    next: outlook === null ? null : { step: outlook.step, at: outlook.at === null ? null : toIso(outlook.at) },
    gate: look === null ? null : { verdict: look.verdict, reason: look.reason, checks: look.checks },
    paused: paused === null ? null : { reason: paused.reason, by: paused.by, since: toIso(paused.since) },
    outcome: ended === null ? null : { outcome: ended.outcome, reason: ended.reason, at: toIso(ended.at) },
    reason,
    startedBy,
    steps: steps.map(stepText),
  };
}

/** A ramp as a person reads it: where it is, what comes next and when, and what it waits for. */
export function renderRamp(state: RampState, now: Instant, style: Style): string {
  const { plan, set, look, paused, ended } = state;
  const here = set === null ? undefined : plan.steps[set.index];
  const rows = [
    ['status', paused === null || ended !== null ? statusOf(state) : pausedText(paused)],
    ...(set === null || here === undefined
      ? []
      : [['step', `${set.index + 1} of ${plan.steps.length}: ${stepText(here)}, since ${toIso(set.at)}`]]),
    ...nextRow(state, now),
    ...(look === null ? [['gate', 'not asked yet']] : [['gate', `${verdictWord(look.verdict, style)}: ${look.reason}`]]),
    ...(ended === null ? [] : [['ended', `${ended.reason} (${toIso(ended.at)})`]]),
    ['steps', plan.steps.map(stepText).join(', ')],
    ['why', `${plan.reason} (${plan.startedBy}, ramp ${plan.ramp})`],
  ];
  return `${style.bold(`ramp of ${plan.flag} in ${plan.environment} to ${plan.variant}`)}\n${table(rows, '  ')}`;
}

function nextRow(state: RampState, now: Instant): readonly (readonly string[])[] {
  const outlook = outlookOf(state);
  if (outlook === null) return [];
  const { step, at } = outlook;
  const what = step ?? 'done';
  const { paused, plan } = state;
  if (paused !== null) return [['next', `${what}, but not while it is paused: ${resumeText(plan, paused.revision !== null)}`]];
  if (at === null) return [['next', what]];
  const when = at > now ? `in ${formatDuration(at - now)} (${toIso(at)}), if the gate says pass` : 'as soon as the gate says pass';
  return [['next', `${what}, ${when}`]];
}

function pausedText({ by, since, reason }: NonNullable<RampState['paused']>): string {
  return `paused since ${toIso(since)} by ${plain(by)}${reason === '' ? '' : `: ${plain(reason)}`}`;
}

/** How to go on, and what happens then. */
function resumeText({ flag, environment }: RampState['plan'], isInOtherHands: boolean): string {
  const then = isInOtherHands ? 'sets this step anew, from what the flag says now' : 'goes on';
  return `\`slipway ramp resume ${flag} --env ${environment}\` ${then}`;
}
