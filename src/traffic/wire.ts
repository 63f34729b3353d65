import { z } from 'zod';
import { problemsOfRoute } from './core/route.ts';

const fieldSchema = z.strictObject({ header: z.string().optional(), cookie: z.string().optional() });

/** A `Cohort`; what contradicts itself is found with the route. */
const cohortSchema = z.strictObject({
  key: fieldSchema.optional(),
  sticky: z.boolean().optional(),
  force: fieldSchema.optional(),
  only: z.strictObject({ paths: z.array(z.string()).optional(), headers: z.record(z.string(), z.array(z.string())).optional() }).optional(),
});

/** A `RouteSpec` as it crosses a file or a socket; unknown keys are refused, so a newer writer is noticed. */
export const routeSpecSchema = z
  .strictObject({
    id: z.string().regex(/^[^/\s]+\/[^/\s]+$/, 'must be service/environment'),
    listen: z.strictObject({ host: z.string().min(1), port: z.number() }),
    mode: z.enum(['open', 'hold', 'closed']),
    backends: z.array(
      z.strictObject({ group: z.string().min(1), version: z.string().min(1), weight: z.number(), process: z.string().min(1) }),
    ),
    cohort: cohortSchema.optional(),
  })
  .superRefine((route, context) => {
    for (const message of problemsOfRoute(route)) context.addIssue({ code: 'custom', message, input: route });
  });

/** A fencing token as it crosses a socket: a whole number, so two workers can always be ordered. */
export const fenceSchema = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);

/** The header that carries the fence of a change. */
export const FENCE_HEADER = 'slipway-fence';

const backendStateSchema = z.object({ group: z.string(), host: z.string(), port: z.number(), healthy: z.boolean(), inFlight: z.number() });

/** A `RouteState` as it crosses a socket; keys of a newer agent are dropped. */
export const routeStateSchema = z.object({
  spec: z.object({
    id: z.string(),
    listen: z.object({ host: z.string(), port: z.number() }),
    mode: z.enum(['open', 'hold', 'closed']),
    backends: z.array(z.object({ group: z.string(), version: z.string(), weight: z.number(), process: z.string() })),
    cohort: cohortSchema.optional(),
  }),
  inFlight: z.number(),
  held: z.number(),
  listening: z.boolean(),
  endpoints: z.array(backendStateSchema),
});

const port = z.coerce.number().int().min(1).max(65_535);

/** An address as it crosses a socket, in a query. */
export const listenAddressSchema = z.object({ host: z.string().min(1), port });

/** A `ListenAnswer` as it crosses a socket. */
export const listenAnswerSchema = z.object({
  verdict: z.enum(['pass', 'fail', 'unknown']),
  reason: z.string(),
  fix: z.string().nullable(),
});

const count = z.number().int().nonnegative();

/** A `RouteStats` as it crosses a socket. */
export const routeStatsSchema = z.object({
  at: z.number(),
  since: z.number(),
  versions: z.array(
    z.object({
      version: z.string(),
      group: z.string(),
      requests: count,
      errors: count,
      clientErrors: count,
      retries: count,
      recent: z.object({ forMs: count, requests: count, errors: count }).optional(),
      latency: z.object({ boundsMs: z.array(z.number().nullable()), counts: z.array(count) }),
    }),
  ),
  unrouted: count,
});

/** An `InstanceHistory[]` as it crosses a socket. */
export const historySchema = z.array(z.object({ instance: z.string(), minutes: z.array(z.object({ requests: count, errors: count })) }));

/** The group whose history is asked for, in a query. */
export const historyQuerySchema = z.object({ group: z.string().min(1) });

/** A refusal as it crosses a socket. */
export const refusalSchema = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string() }) });
