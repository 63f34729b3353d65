export type * from './ports.ts';
export type { EmbeddedRouter, EmbeddedRouterOptions, RouterLimits } from './adapters/embedded.ts';
export type { AgentRouter, AgentRouterOptions } from './adapters/agent.ts';
export { createAgentRouter, createEmbeddedRouter, createRouterRoutes } from './lazily.ts';
export { PROBE_AGENT } from './core/probe-agent.ts';
export { difference } from './core/difference.ts';
export { quantile, type QuantileBounds } from './core/histogram.ts';
