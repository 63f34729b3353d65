import { request, Client } from 'undici';
import { z } from 'zod';
import { messageOf } from '../../kernel/index.ts';
import { silent, type Reading } from '../core/reading.ts';
import type { Ask, MetricSource } from '../ports.ts';
import { READINGS_PATH } from './otlp/reading-routes.ts';

export interface OtlpOptions {
  /** The agent's unix socket. */
  readonly socketPath: string;
  readonly ask: Ask;
  readonly timeoutMs: number;
}

const arm = z.object({ requests: z.number(), bad: z.number() });
const histogram = z.object({ bounds: z.array(z.number().nullable()), counts: z.array(z.number()) });
const moment = { at: z.number(), epoch: z.string() };
const readingSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('silent'), reason: z.string() }),
  z.object({ kind: z.literal('counts'), versions: z.object({ canary: arm, stable: arm }), ...moment }),
  z.object({ kind: z.literal('histogram'), versions: z.object({ canary: histogram, stable: histogram }), ...moment }),
  z.object({ kind: z.literal('gauge'), versions: z.object({ canary: z.number(), stable: z.number() }), ...moment }),
]);

/** What the agent's OTLP receiver was sent. */
export function createOtlpSource({ socketPath, ask, timeoutMs }: OtlpOptions): MetricSource {
  return {
    read: async (question, signal): Promise<Reading> => {
      const client = new Client('http://agent', { socketPath });
      const late = AbortSignal.timeout(timeoutMs);
      try {
        const response = await request(`http://agent${READINGS_PATH}`, {
          dispatcher: client,
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ask, question }),
          signal: AbortSignal.any([late, signal]),
        });
        if (response.statusCode === 404) {
          await response.body.dump();
          return silent('the agent takes no OTLP: start it with `slipway agent start --otlp 127.0.0.1:4318`');
        }
        const parsed = readingSchema.safeParse(await response.body.json());
        return parsed.success ? parsed.data : silent(`the agent answered ${response.statusCode} with something else than a reading`);
      } catch (error) {
        return silent(late.aborted ? `the agent did not answer within ${timeoutMs} ms` : `no agent answers: ${messageOf(error)}`);
      } finally {
        await client.destroy();
      }
    },
  };
}
