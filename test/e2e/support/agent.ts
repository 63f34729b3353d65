import { agentStatus } from '../../../src/server/index.ts';
import { until } from './small-service.ts';

/** The process of the agent, as soon as it answers: on a busy machine one that runs may be slow to. */
export function agentPid(home: string): Promise<number> {
  return known('the agent answers', async () => (await agentStatus(home))?.pid);
}

/** The process of the agent's worker, as soon as there is one: it may be between two lives. */
export function workerPid(home: string): Promise<number> {
  return known('the agent has a worker', async () => (await agentStatus(home))?.worker?.pid);
}

async function known(what: string, look: () => Promise<number | null | undefined>): Promise<number> {
  let pid = 0;
  await until(what, async () => (pid = (await look()) ?? 0) > 0);
  return pid;
}
