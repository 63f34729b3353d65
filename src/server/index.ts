export type { AgentOptions, AgentStatus } from './agent/agent.ts';
export { runAgent } from './agent/run.ts';
export { agentStatus, startAgent, stopAgent } from './agent/control.ts';
export { agentPlaces, type AgentPlaces } from './agent/places.ts';
