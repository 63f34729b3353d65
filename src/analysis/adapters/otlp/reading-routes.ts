import { Hono } from 'hono';
import { z } from 'zod';
import type { Clock } from '../../../kernel/index.ts';
import { parseSelector } from '../../core/selector.ts';
import type { OtlpStore } from './store.ts';

/** Where the worker asks, on the agent's socket. */
export const READINGS_PATH = '/v1/otlp/readings';

const selector = z.string().refine((text) => parseSelector(text) !== null, 'is not a metric name with attributes');
const version = z.object({ version: z.string(), group: z.string() });

const wantedSchema = z.object({
  ask: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('counts'), requests: selector, bad: selector }),
    z.object({ kind: z.literal('histogram'), histogram: selector }),
    z.object({ kind: z.literal('gauge'), gauge: selector }),
  ]),
  question: z.object({ service: z.string(), environment: z.string(), canary: version, stable: version }),
});

/** What the receiver counted, for mounting on the agent's socket. */
export function createReadingRoutes(store: OtlpStore, clock: Clock): Hono {
  const app = new Hono();
  app.post(READINGS_PATH, async (context) => {
    const wanted = wantedSchema.safeParse(await context.req.json().catch(() => null));
    if (!wanted.success) return context.json({ kind: 'silent', reason: 'the agent does not understand the question' }, 400);
    return context.json(store.read(wanted.data.ask, wanted.data.question, clock.now()));
  });
  return app;
}
