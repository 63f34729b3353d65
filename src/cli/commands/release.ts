import { SlipwayError } from '../../kernel/index.ts';
import { withApp } from './shared/app.ts';
import { ensureDriver, type WorkerChoice } from './shared/driver.ts';
import { prepare } from './shared/prepare.ts';
import { runPlan } from './shared/run-plan.ts';
import { flag, text, type Handler } from './spec.ts';

/** Submits a release and watches it to its end. */
export const run: Handler = async (call) => {
  const choice = (text(call, 'worker') ?? 'auto') as WorkerChoice;
  if (choice === 'here' && flag(call, 'detach'))
    throw new SlipwayError('usage', '--detach leaves the work to an agent, --worker here does it in this process', {
      hint: 'Use one of them.',
    });
  return withApp(call, async (app) => {
    const { plan } = await prepare(call, app);
    const here = await ensureDriver(call, app, flag(call, 'detach') && choice === 'auto' ? await detachedChoice(app.places.home) : choice);
    return runPlan(call, app, plan, here);
  });
};

/** A detached release needs a worker that stays: an agent that has none is refused rather than waited for. */
async function detachedChoice(home: string): Promise<WorkerChoice> {
  const { agentStatus } = await import('../../server/index.ts');
  return (await agentStatus(home)) === null ? 'auto' : 'agent';
}
