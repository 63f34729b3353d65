import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { toIso, type Clock, type Log } from '../../kernel/index.ts';
import { createProcessTarget, createTargetRoutes, type ProcessTarget } from '../../targets/index.ts';
import { createEmbeddedRouter, createRouterRoutes } from '../../traffic/index.ts';
import { openEndpointBook } from './endpoints.ts';
import { secureSocketFolder, type AgentPlaces } from './places.ts';
import { keepWorker, type WorkerProcess } from './worker-process.ts';

export interface AgentOptions {
  readonly places: AgentPlaces;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** What `${env:...}` of the supervised processes is looked up in. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Starts a worker: program and arguments; null for an agent that only supervises. */
  readonly workerArgv: readonly string[] | null;
  readonly workspace: string;
}

/** What `slipway agent status` shows. */
export interface AgentStatus {
  readonly pid: number;
  readonly version: string;
  readonly startedAt: string;
  readonly worker: { readonly pid: number | null; readonly restarts: number } | null;
}

/**
 * Runs an agent until the signal aborts: process target, router and worker of one state directory, with a control API
 * on a unix socket. When it ends, cleanly or by `kill -9`, the supervised processes go on; the next agent adopts them.
 * @throws SlipwayError `agent_running`, `state_corrupt`, `port_in_use`
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal, onReady: () => void): Promise<void> {
  const { places, clock, log } = options;
  // The target's lock comes first: it keeps a second agent from touching the socket of the first.
  const target = await createProcessTarget({ directory: places.directory, clock, log, environment: options.environment });
  try {
    const book = await openEndpointBook(target, log);
    const router = await createEmbeddedRouter({ directory: places.directory, clock, log, random: options.random, endpoints: book.get });
    const disconnect = book.connect(router);
    const worker =
      options.workerArgv === null
        ? null
        : keepWorker({ argv: options.workerArgv, cwd: options.workspace, logFile: places.workerLog, clock, log });
    const stop = new AbortController();
    const server = await listen(places, [
      await createTargetRoutes(target),
      await createRouterRoutes(router),
      controlRoutes(options, target, worker, stop),
    ]);
    log('info', 'agent ready', { socket: places.socket });
    onReady();
    await aborted(AbortSignal.any([signal, stop.signal]));
    await worker?.stop();
    disconnect();
    server.close();
    await router.close();
    rmSync(places.socket, { force: true });
  } finally {
    await target.close();
  }
}

function controlRoutes({ version, clock }: AgentOptions, target: ProcessTarget, worker: WorkerProcess | null, stop: AbortController): Hono {
  const startedAt = toIso(clock.now());
  const app = new Hono();
  app.get('/v1/agent', (context) => {
    const status: AgentStatus = {
      pid: process.pid,
      version,
      startedAt,
      worker: worker === null ? null : { pid: worker.pid(), restarts: worker.restarts() },
    };
    return context.json(status);
  });
  app.post('/v1/agent/stop', async (context) => {
    if (context.req.query('all') === 'true') await target.removeAll();
    stop.abort();
    return context.body(null, 202);
  });
  return app;
}

async function listen(places: AgentPlaces, parts: readonly Hono[]): Promise<Server> {
  secureSocketFolder(places);
  const app = new Hono();
  for (const part of parts) app.route('/', part);
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  // Left behind by a killed agent; the lock says that none runs now.
  rmSync(places.socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(places.socket, resolve);
  });
  return server;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
