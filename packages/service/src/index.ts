export { type Check, type CheckFunction, type CheckOptions } from './checks.ts';
export { type Context, currentContext, traceHeaders } from './context.ts';
export { type Logger } from './logger.ts';
export { type Drainable, type ShutdownLimits } from './shutdown.ts';
export { createService } from './service.ts';
export { type Service, type ServiceOptions } from './types.ts';
export { ServiceUnavailable } from './unavailable.ts';
