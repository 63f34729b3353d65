import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { FAULT_VARIABLE, type Clock, type Log } from '../../kernel/index.ts';
import { createProcessTarget, createTargetRoutes, type ProcessTarget } from '../../targets/index.ts';
import { createRouterRoutes, type LocalRouter } from '../../traffic/index.ts';
import { controlRoutes } from './control-routes.ts';
import { createEnd } from './end.ts';
import { openEndpointBook } from './endpoints.ts';
import { openOtlp, type OtlpListener } from './otlp.ts';
import { rememberOtlp, type OtlpAddress } from './otlp-address.ts';
import { removeSocket, secureSocketFolder, type AgentPlaces } from './places.ts';
import { openRouter, type RouterName } from './routers.ts';
import { keepWorker, type WorkerProcess } from './worker-process.ts';

const LAST_ANSWERS_MS = 1_000;

export interface AgentOptions {
  readonly places: AgentPlaces;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly router: RouterName;
  /** What `${env:...}` of the supervised processes is looked up in. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Starts a worker: program and arguments; null for an agent that only supervises. */
  readonly workerArgv: readonly string[] | null;
  readonly workspace: string;
  /** Where services send their metrics over OTLP/HTTP, on the loopback interface; null for nowhere. */
  readonly otlp: OtlpAddress | null;
}

/**
 * Runs an agent until the signal aborts or it is told to stop: process target, router and worker of one state directory,
 * with a control API on a unix socket. When it ends, cleanly or by `kill -9`, the supervised processes go on; the next agent
 * adopts them. A clean end lets the worker hand over, then requests in flight finish, both within a bound.
 * @throws SlipwayError `agent_running`, `state_corrupt`, `port_in_use`
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal, onReady: () => void): Promise<void> {
  const { places, clock, log } = options;
  // The target's lock comes first and goes last: it keeps a second agent from touching what is of the first.
  const target = await createProcessTarget({ directory: places.directory, clock, log, environment: options.environment });
  try {
    // Before the router, which may put a socket of its own there.
    secureSocketFolder(places);
    const book = await openEndpointBook(target, log);
    const router = await openRouter(options.router, { places, clock, log, random: options.random, endpoints: book.get });
    const disconnect = book.connect(router);
    try {
      const otlp = await openOtlp(options.otlp, clock, log);
      rememberOtlp(places, options.otlp);
      try {
        await serve(options, { target, router, otlp }, { signal, onReady });
      } finally {
        await otlp?.close();
      }
    } finally {
      await router.leave();
      disconnect();
    }
  } finally {
    await target.close();
  }
}

interface Parts {
  readonly target: ProcessTarget;
  readonly router: LocalRouter;
  readonly otlp: OtlpListener | null;
}

interface Life {
  readonly signal: AbortSignal;
  readonly onReady: () => void;
}

async function serve(options: AgentOptions, { target, router, otlp }: Parts, { signal, onReady }: Life): Promise<void> {
  const { places, log } = options;
  let worker: WorkerProcess | null = null;
  const end = createEnd(signal);
  const server = await listen(places, [
    controlRoutes({ ...options, outlives: router.outlivesAgent }, () => worker, end),
    await createTargetRoutes(target, log),
    await createRouterRoutes(router, log),
    ...(otlp === null ? [] : [otlp.readings]),
  ]);
  try {
    // Not before somebody can ask for it: an agent that failed to start must not leave a worker behind.
    if (options.workerArgv !== null)
      worker = keepWorker({
        argv: options.workerArgv,
        cwd: options.workspace,
        logFile: places.workerLog,
        clock: options.clock,
        log,
        // A worker that is told to die at fault points does not end because something is wrong: nobody waits for that to pass.
        longestWaitMs: options.environment[FAULT_VARIABLE] === undefined ? undefined : 0,
      });
    log('info', 'agent ready', { socket: places.socket });
    onReady();
    await end.wanted;
    log('info', 'agent stops', { all: end.all() });
    await end.reach(async () => {
      // The worker may need target and router to finish its step; only then nothing may be asked of them any more.
      await worker?.stop();
      end.refuseOrders();
      await (end.all() ? router.close() : router.leave());
      // Last, so that no request finds its instance gone.
      if (end.all()) await target.stopAll();
    });
  } finally {
    await closeServer(server);
    removeSocket(places);
  }
  log('info', 'agent stopped');
}

/** An agent's control API: `GET /v1/agent`, `POST /v1/agent/stop?all=`, and what the parts bring. */
async function listen(places: AgentPlaces, parts: readonly Hono[]): Promise<Server> {
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

/** Lets the last answers out. Whoever waits for more gets it from the next agent. */
async function closeServer(server: Server): Promise<void> {
  const late = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS);
  await new Promise((resolve) => server.close(resolve));
  clearTimeout(late);
}
