import { SlipwayError, systemClock } from '../../../kernel/index.ts';
import { agentStatus, startAgent } from '../../../server/index.ts';
import { ownArgv, type App } from '../../compose.ts';
import type { Call } from '../spec.ts';

export type WorkerChoice = 'auto' | 'here' | 'agent';

/**
 * Makes sure that somebody will drive a release of this state directory, before it is submitted.
 * @returns true when this process itself must
 */
export async function ensureDriver(call: Call, app: App, choice: WorkerChoice): Promise<boolean> {
  const { home } = app.places;
  const agent = await agentStatus(home);
  if (choice === 'agent') {
    if (agent === null) throw new SlipwayError('agent_unreachable', `No agent runs for ${home}`);
    if (agent.worker === null)
      throw new SlipwayError('not_possible_now', `The agent (pid ${agent.pid}) was started without a worker`, {
        hint: 'Use --worker here, or stop it and run `slipway agent start`.',
      });
    return false;
  }
  if (agent !== null) return choice === 'here' || agent.worker === null;
  // Processes and traffic outlive this command, so they belong to an agent even when the work is done here.
  const { status } = await startAgent(home, agentArgv(app.places.workspace, choice === 'auto'), app.places.workspace, systemClock);
  call.terminal.note(`started an agent for ${home} (pid ${status.pid}); stop it with \`slipway agent stop\``);
  return choice === 'here';
}

/** How this program starts an agent of a workspace. */
export function agentArgv(workspace: string, withWorker: boolean): readonly string[] {
  return ownArgv('-C', workspace, 'agent', 'run', ...(withWorker ? [] : ['--no-worker']));
}
