export type * from './ports.ts';
export type { ProcessTarget, ProcessTargetOptions } from './adapters/process.ts';
export type { AgentTarget } from './adapters/agent.ts';
export { createAgentTarget, createProcessTarget, createTargetRoutes } from './lazily.ts';
