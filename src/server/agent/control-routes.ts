import { Hono } from 'hono';
import { SlipwayError, toIso, type Clock } from '../../kernel/index.ts';
import type { End } from './end.ts';
import type { OtlpAddress } from './otlp-address.ts';
import type { WorkerProcess } from './worker-process.ts';

/** What `slipway agent status` shows. */
export interface AgentStatus {
  readonly pid: number;
  readonly version: string;
  readonly startedAt: string;
  /** Absent from an agent of an older build. With `outlivesAgent` users reach the service also while no agent runs. */
  readonly router?: { readonly name: string; readonly outlivesAgent: boolean };
  /** Where it receives metrics, null for nowhere; absent from an agent of an older build. */
  readonly otlp?: OtlpAddress | null;
  readonly worker: { readonly pid: number | null; readonly restarts: number } | null;
  /** It is on its way out and takes no new orders. */
  readonly stopping: boolean;
}

/** `GET /v1/agent` and `POST /v1/agent/stop?all=`, which answers when everything but the agent itself has stopped. Refuses all else once the agent stops. */
export function controlRoutes(
  {
    version,
    clock,
    router,
    otlp,
    outlives,
  }: {
    readonly version: string;
    readonly clock: Clock;
    readonly router: string;
    readonly otlp: OtlpAddress | null;
    readonly outlives: boolean;
  },
  worker: () => WorkerProcess | null,
  end: End,
): Hono {
  const startedAt = toIso(clock.now());
  const app = new Hono();
  app.get('/v1/agent', (context) => {
    const running = worker();
    const status: AgentStatus = {
      pid: process.pid,
      version,
      startedAt,
      router: { name: router, outlivesAgent: outlives },
      otlp,
      worker: running === null ? null : { pid: running.pid(), restarts: running.restarts() },
      stopping: end.begun(),
    };
    return context.json(status);
  });
  app.post('/v1/agent/stop', async (context) => {
    await end.ask(context.req.query('all') === 'true');
    return context.body(null, 204);
  });
  app.use(async (context, next) => {
    if (!end.refusing()) return next();
    const { code, message, hint, http } = new SlipwayError('agent_unreachable', 'The agent is stopping');
    return context.json({ error: { code, message, hint } }, http as 503);
  });
  return app;
}
