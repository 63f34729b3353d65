export { runAgent, type AgentOptions, type AgentStatus } from './agent/agent.ts';
export { agentStatus, startAgent, stopAgent } from './agent/control.ts';
export { agentPlaces, type AgentPlaces } from './agent/places.ts';
