import type { GroupSpec } from '../../targets/index.ts';
import type { SmokeDefinition } from '../core/definition.ts';
import type { StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { groupOf, waitUntilReady } from './group.ts';
import { as, object, text } from './input.ts';
import { definitionOf, groupBases, smokeGroup } from './smoke.ts';

/**
 * Proves that the way back is open: the old version answers its own smoke on the data as it is now. Where the strategy stopped
 * it, a temporary group is started, and removed again whatever the answer.
 */
export function rehearseStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const { step, plan, fence } = context;
    const version = text(step.input, 'version');
    const spec = groupOf(deps.home, plan.workspace, as<GroupSpec>(object(step.input, 'group')));
    const temporary = step.input['temporary'] === true;
    const sameData = step.input['changesData'] === false;
    try {
      // One that somebody stopped, or whose machine was lost, would not be there when it is needed: it is started, and stays.
      const gone = !temporary && (await deps.target.inspect(spec.id)) === null;
      if (gone) context.note(`${version} was not running and is started`);
      if (temporary || gone) await deps.target.apply(fence, spec);
      const ready = await (sameData ? readyShortly(deps, spec, context) : waitUntilReady(deps.target, spec, context));
      if (ready.verdict !== 'pass') return answerOf(ready, version, sameData);
      const group = await deps.target.inspect(spec.id);
      if (group === null) return { verdict: 'fail', reason: `${version} is not running` };
      const definition = definitionOf(context, version);
      const smoke = as<SmokeDefinition>(step.input['smoke']);
      // Background work is left alone: a rehearsing worker would take real jobs.
      const outcome = await smokeGroup(deps, context, {
        smoke: temporary ? { ...smoke, worker: [] } : smoke,
        bases: groupBases(group, definition),
        definition,
        version,
        group,
      });
      return answerOf(outcome, version, sameData);
    } finally {
      if (temporary) await deps.target.remove(fence, spec.id);
    }
  };
}

/** How long a version may take to be ready whose state decides nothing. */
const SHORTLY_MS = 10_000;

async function readyShortly({ target }: StepDeps, spec: GroupSpec, { effects, signal, note }: StepContext): Promise<StepOutcome> {
  const ready = await waitUntilReady(target, spec, { effects, note, signal: AbortSignal.any([signal, AbortSignal.timeout(SHORTLY_MS)]) });
  // Not ready in that time is an answer, where the step itself was not told to stop.
  return ready.verdict === 'unknown' && !signal.aborted ? { ...ready, verdict: 'fail' } : ready;
}

/**
 * A version that does not work although nothing was done to its data did not work before, and a release that repairs it must not
 * fail for that. What is unknown stays so.
 */
function answerOf(outcome: StepOutcome, version: string, sameData: boolean): StepOutcome {
  if (outcome.verdict === 'pass')
    return { ...outcome, reason: `${version} works on the ${sameData ? 'data as it is' : 'migrated data'}: ${outcome.reason}` };
  if (sameData && outcome.verdict === 'fail') {
    const reason = `${version} does not work as it is, which this release did not cause, as it changes no data: ${outcome.reason}`;
    return { verdict: 'pass', reason, checks: outcome.checks ?? [] };
  }
  const hint = `If it did not work before either, release with --skip verify.rehearse=REASON.`;
  return { ...outcome, reason: `${version} would not work if it came back: ${outcome.reason}. ${hint}` };
}
