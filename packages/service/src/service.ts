import { type Server, type ServerOptions, createServer } from 'node:http';
import type { Registry } from 'prom-client';
import { createBreaker } from './breaker.ts';
import { createBreakerCounters } from './breaker-metrics.ts';
import { createChecks } from './checks.ts';
import { type Connections, createConnections } from './connections.ts';
import { currentContext } from './context.ts';
import type { Phase } from './core/health.ts';
import { redactValues } from './core/redact.ts';
import { type BreakerState, createAnswerer } from './endpoints.ts';
import { type Identity, identify } from './identity.ts';
import { createFallbacks } from './fallback.ts';
import { createInternalOnly } from './internal-only.ts';
import { type Handler, createListener } from './listener.ts';
import { type Logger, createLogger } from './logger.ts';
import { type Metrics, createMetrics } from './metrics.ts';
import { createPool, createPoolCounters } from './pool.ts';
import { type Shutdown, createShutdown, shutdownLimits } from './shutdown.ts';
import { attachSignals } from './signals.ts';
import { createStart, listenOn } from './start.ts';
import type { Service, ServiceOptions } from './types.ts';
import { createWork } from './work.ts';

interface Base {
  readonly identity: Identity;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly connections: Connections;
  readonly shutdown: Shutdown;
  readonly breakers: ReadonlyMap<string, () => BreakerState>;
  readonly isStarted: () => boolean;
}

/** The HTTP side: who answers which request, and a server whose connections a shutdown knows. */
function createHttp(options: ServiceOptions, base: Base): Pick<Service, 'listener' | 'createServer'> {
  const { identity, log, metrics, connections, shutdown, breakers, isStarted } = base;
  const phase = (): Phase => (shutdown.stopping.aborted ? 'shutting-down' : isStarted() ? 'running' : 'starting');
  const answer = createAnswerer({
    identity,
    showVersion: options.showVersion ?? false,
    phase,
    checks: createChecks(options.checks ?? {}),
    breakers: () => Object.fromEntries([...breakers].map(([name, state]) => [name, state()])),
    registry: metrics.registry,
    isInternal: createInternalOnly(options.internal ?? {}),
    redact: redactValues(options.secrets ?? []),
  });
  const listener = createListener({ connections, metrics, log, answer });
  return {
    listener,
    createServer: (first: ServerOptions | Handler, second?: Handler): Server => {
      const handler = typeof first === 'function' ? first : second;
      if (handler === undefined) throw new TypeError('createServer needs a handler.');
      const server = createServer(typeof first === 'function' ? {} : first, listener(handler));
      connections.watch(server);
      return server;
    },
  };
}

/** Breakers and pools, each under a name of its own, because the name is what metrics and people tell them apart by. */
function createGuards(registry: Registry, breakers: Map<string, () => BreakerState>): Pick<Service, 'breaker' | 'pool'> {
  const breakerCounters = createBreakerCounters(registry);
  const poolCounters = createPoolCounters(registry);
  const names = new Set<string>();
  const claim = (name: string): void => {
    if (names.has(name)) throw new Error(`There is a breaker or pool "${name}" already; create it once and share it.`);
    names.add(name);
  };
  return {
    breaker: (name, options = {}) => {
      claim(name);
      const breaker = createBreaker(name, options, breakerCounters);
      breakers.set(name, breaker.state);
      return breaker;
    },
    pool: (name, options) => {
      claim(name);
      return createPool(name, options, poolCounters);
    },
  };
}

/** Everything an on-call engineer expects of a service. Without options it takes name and version from package.json. */
export function createService(options: ServiceOptions = {}): Service {
  const { secrets = [], exit = (code) => process.exit(code) } = options;
  const identity = identify(options, process.env);
  const log = createLogger({ ...options.log, secrets, base: { service: identity.name, version: identity.version } });
  const metrics = createMetrics(identity.version, options.processMetrics ?? true);
  const connections = createConnections();
  const limits = shutdownLimits(options.shutdown);
  const shutdown = createShutdown({ limits, connections, log, exit });
  const { work, drainables } = createWork();
  for (const part of drainables) shutdown.add(part);
  // The first hook runs last: until then a second signal still means "at once".
  if (options.signals ?? true) shutdown.hook('signals', attachSignals(shutdown, log, exit));

  const start = createStart(log);
  const breakers = new Map<string, () => BreakerState>();
  let isStarted = false;
  const http = createHttp(options, { identity, log, metrics, connections, shutdown, breakers, isStarted: () => isStarted });
  const started = async (): Promise<void> => {
    if (await start.run()) isStarted = true;
    else await shutdown.begin('could not start', 1);
  };
  return {
    ...work,
    ...http,
    ...createGuards(metrics.registry, breakers),
    identity,
    log,
    metrics,
    limits,
    stopping: shutdown.stopping,
    listen: async (target, at = {}) => {
      const server = typeof target === 'function' ? http.createServer(target) : target;
      connections.watch(server);
      await listenOn(server, at);
      log.info({ address: server.address() }, 'listening');
      await started();
      return server;
    },
    onStart: start.add,
    started,
    onShutdown: shutdown.hook,
    drains: shutdown.add,
    fallback: createFallbacks(metrics.registry),
    route: (template) => {
      const context = currentContext();
      if (context !== undefined) context.route = template;
    },
    shutdown: (reason = 'asked to') => shutdown.begin(reason),
  };
}
