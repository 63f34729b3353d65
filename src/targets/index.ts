export type * from './ports.ts';
export { createProcessTarget, type ProcessTarget, type ProcessTargetOptions } from './adapters/process.ts';
export { createAgentTarget, type AgentTarget } from './adapters/agent.ts';
export { createTargetRoutes } from './http.ts';
