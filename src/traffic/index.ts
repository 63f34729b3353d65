export type * from './ports.ts';
export type { EmbeddedRouterOptions, RouterLimits } from './adapters/embedded.ts';
export type { HaproxyRouterOptions } from './adapters/haproxy.ts';
export type { AgentRouter, AgentRouterOptions } from './adapters/agent.ts';
export {
  assertHaproxy,
  createAgentRouter,
  createEmbeddedRouter,
  createHaproxyRouter,
  createRouterRoutes,
  endHaproxy,
  runningHaproxy,
} from './lazily.ts';
export { cohortTooLong } from './core/cohort-problems.ts';
export { PROBE_AGENT } from './core/probe-agent.ts';
export { difference } from './core/difference.ts';
export { quantile, type QuantileBounds } from './core/histogram.ts';
