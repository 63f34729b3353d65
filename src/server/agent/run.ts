import type { AgentOptions } from './agent.ts';

/** {@link import('./agent.ts').runAgent}, loaded by the one process that is the agent: target, router and HTTP server are most of the program. */
export async function runAgent(options: AgentOptions, signal: AbortSignal, onReady: () => void): Promise<void> {
  const agent = await import('./agent.ts');
  await agent.runAgent(options, signal, onReady);
}
