export type { AgentOptions } from './agent/agent.ts';
export { runAgent } from './agent/run.ts';
export type { AgentStatus } from './agent/control-routes.ts';
export { agentStatus, startAgent, stopAgent } from './agent/control.ts';
export { ownOutput } from './agent/own-output.ts';
export { agentPlaces, type AgentPlaces } from './agent/places.ts';
export { askedOtlp, isSameOtlp, otlpFor, tellOtlpAddress } from './agent/otlp-address.ts';
export { ROUTERS, routerFor, type RouterName } from './agent/routers.ts';
