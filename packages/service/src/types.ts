import type { RequestListener, Server, ServerOptions } from 'node:http';
import type { Breaker, BreakerOptions } from './breaker.ts';
import type { Check } from './checks.ts';
import type { Identity } from './identity.ts';
import type { InternalOptions } from './internal-only.ts';
import type { Fallback } from './fallback.ts';
import type { Handler } from './listener.ts';
import type { Logger, LoggerOptions } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { Pool, PoolOptions } from './pool.ts';
import type { Drainable, ShutdownLimits } from './shutdown.ts';
import type { Work } from './work.ts';

export interface ServiceOptions extends Partial<Identity> {
  /** Dependencies by name. */
  readonly checks?: Readonly<Record<string, Check>>;
  /** Default false. True: `/health/ready` says the version, to whoever asks. Slipway's smoke checks look there for it, through the router too. */
  readonly showVersion?: boolean;
  /** Who may see `/health` and `/metrics`. */
  readonly internal?: InternalOptions;
  readonly shutdown?: Partial<ShutdownLimits>;
  readonly log?: Pick<LoggerOptions, 'level' | 'destination'>;
  /** Values that may never be logged; what `readSettings` found secret is best passed as `secretsOf(settings)`. */
  readonly secrets?: readonly string[];
  /** Default true: memory, event loop and garbage collection are in `/metrics` too. */
  readonly processMetrics?: boolean;
  /** Default true: SIGTERM, SIGINT and unhandled errors are listened to. */
  readonly signals?: boolean;
  /** Ends the process; a test passes its own. */
  readonly exit?: (code: number) => void;
}

export interface Service extends Work {
  readonly identity: Identity;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly limits: ShutdownLimits;
  /** Aborts as soon as a shutdown begins: take nothing new. */
  readonly stopping: AbortSignal;
  /** Wraps a `node:http` listener (an Express app is one). */
  listener(handler: Handler): RequestListener;
  /** `http.createServer` with everything in place; Fastify's `serverFactory` and Hono's `createServer` take it. */
  createServer(handler: Handler): Server;
  createServer(options: ServerOptions, handler: Handler): Server;
  /** Serves `handler` on $PORT (default 3000) of $HOST (default 127.0.0.1), runs the start hooks, then becomes ready. */
  listen(handler: Handler | Server, at?: { readonly port?: number; readonly host?: string }): Promise<Server>;
  /** Something to finish before the first request: warm a cache, open a pool. A failure ends the process with code 1. */
  onStart(name: string, run: () => unknown): void;
  /** For whoever listens without `listen`: runs the start hooks and becomes ready. */
  started(): Promise<void>;
  /** Called after the drain, in reverse order of registration. */
  onShutdown(name: string, run: () => unknown): void;
  /** A part of the service that drains by itself: a queue consumer, a scheduler. */
  drains(part: Drainable): void;
  /** A circuit breaker around a dependency; while it is not closed the service is degraded. */
  breaker(name: string, options?: BreakerOptions): Breaker;
  /** Bounded concurrency with a bounded queue, in front of a connection pool for example. */
  pool(name: string, options: PoolOptions): Pool;
  /**
   * A counter of reads that took an old shape because the new one was not filled, in `/metrics` as `read_fallback_total{shape}`. Call it
   * once at the start, so that the series is there at zero, and what it answers with each such read.
   */
  fallback(shape: string): Fallback;
  /** Names the route of the current request by its template; the framework adapters do this by themselves. */
  route(template: string): void;
  shutdown(reason?: string): Promise<number>;
}
