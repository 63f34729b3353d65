export type * from './ports.ts';
export { createEmbeddedRouter, type EmbeddedRouter, type EmbeddedRouterOptions, type RouterLimits } from './adapters/embedded.ts';
export { createAgentRouter, type AgentRouter, type AgentRouterOptions } from './adapters/agent.ts';
export { createRouterRoutes } from './http.ts';
export { difference } from './core/difference.ts';
export { quantile, type QuantileBounds } from './core/histogram.ts';
