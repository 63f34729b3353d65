import { ERRORS, SlipwayError } from '../../kernel/index.ts';
import type { Plan } from '../../release/index.ts';
import { withApp } from './shared/app.ts';
import { ensureDriver, type WorkerChoice } from './shared/driver.ts';
import { prepareAll, readReleasable } from './shared/prepare-set.ts';
import { sayPlanning } from './shared/planning.ts';
import { runPlans } from './shared/run-plan.ts';
import { flag, text, type Handler } from './spec.ts';

/** Submits a release, or those of a set, and watches to the end. */
export const run: Handler = async (call) => {
  const choice = (text(call, 'worker') ?? 'auto') as WorkerChoice;
  if (choice === 'here' && flag(call, 'detach'))
    throw new SlipwayError('usage', '--detach leaves the work to an agent, --worker here does it in this process', {
      hint: 'Use one of them.',
    });
  sayPlanning(call);
  const what = await readReleasable(call);
  return withApp(call, async (app) => {
    const prepared = await prepareAll(call, app, what);
    if (flag(call, 'wait')) for (const { plan, skips } of prepared) refuseUnclean(plan, skips);
    const here = await ensureDriver(call, app, flag(call, 'detach') && choice === 'auto' ? await detachedChoice(app.places.home) : choice);
    const plans = prepared.map(({ plan }) => plan);
    return runPlans(call, app, plans, here);
  });
};

/** Preflight would say so when the turn of the release comes, which may be hours after somebody could have committed. */
function refuseUnclean({ workingTree }: Plan, skips: Readonly<Record<string, string>>): void {
  if (workingTree === undefined || workingTree.verdict === 'pass' || skips['preflight.git'] !== undefined) return;
  const { reason, fix = ERRORS.gate_blocked.hint } = workingTree;
  throw new SlipwayError('gate_blocked', `git: ${reason}`, { hint: fix });
}

/** A detached release needs a worker that stays: an agent that has none is refused rather than waited for. */
async function detachedChoice(home: string): Promise<WorkerChoice> {
  const { agentStatus } = await import('../../server/index.ts');
  return (await agentStatus(home)) === null ? 'auto' : 'agent';
}
