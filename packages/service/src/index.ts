export { type Breaker, type BreakerOptions } from './breaker.ts';
export { type Check, type CheckFunction, type CheckOptions } from './checks.ts';
export { type Context, currentContext, traceHeaders } from './context.ts';
export { type Fallback } from './fallback.ts';
export { type Handler } from './listener.ts';
export { type Logger } from './logger.ts';
export { type Pool, type PoolOptions } from './pool.ts';
export { createService } from './service.ts';
export {
  type Declaration,
  type Settings,
  type SettingsOptions,
  SettingsError,
  loadSettings,
  readSettings,
  secret,
  secretsOf,
} from './settings.ts';
export { type Drainable, type ShutdownLimits } from './shutdown.ts';
export { type Service, type ServiceOptions } from './types.ts';
export { ServiceUnavailable } from './unavailable.ts';
export { type Job, type JobContext, type JobSource, type Worker, type WorkerOptions, JobReleased, createWorker } from './worker.ts';
