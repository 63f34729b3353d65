import { gunzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { messageOf, type Clock } from '../../../kernel/index.ts';
import { payloadSchema } from './payload.ts';
import { pointsOf, type Rejected } from './points.ts';
import type { OtlpStore } from './store.ts';

const MOST_BYTES = 4 * 1024 * 1024;
/** A small body may unpack to anything. */
const MOST_UNPACKED = 16 * 1024 * 1024;

/** What google.rpc.Status calls an invalid argument; OTLP answers carry that message. */
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;

/**
 * An OTLP/HTTP receiver of metrics in JSON: `POST /v1/metrics`
 * (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP": 200 with `partialSuccess` for points not taken, 400 for what cannot be read).
 */
export function createOtlpReceiver(store: OtlpStore, clock: Clock): Hono {
  const app = new Hono();
  const tooLarge = bodyLimit({
    maxSize: MOST_BYTES,
    onError: (context) =>
      context.json({ code: RESOURCE_EXHAUSTED, message: `The body has more than ${MOST_BYTES / 1024 / 1024} MiB` }, 413),
  });
  app.post('/v1/metrics', tooLarge, async (context) => {
    const type = context.req.header('content-type')?.split(';', 1)[0]?.trim();
    if (type !== 'application/json')
      return context.json(
        { code: INVALID_ARGUMENT, message: 'Only JSON is taken: set OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/json' },
        415,
      );
    const read = readBody(Buffer.from(await context.req.arrayBuffer()), context.req.header('content-encoding') ?? 'identity');
    if (!read.ok) return context.json({ code: INVALID_ARGUMENT, message: read.problem }, 400);
    const { points, rejected } = pointsOf(read.payload);
    return context.json(answerOf([...rejected, ...store.add(points, clock.now())]));
  });
  return app;
}

type Read = { readonly ok: true; readonly payload: z.output<typeof payloadSchema> } | { readonly ok: false; readonly problem: string };

function readBody(body: Buffer, encoding: string): Read {
  const refuse = (problem: string): Read => ({ ok: false, problem });
  if (encoding !== 'identity' && encoding !== 'gzip') return refuse(`The content-encoding ${encoding.slice(0, 40)} is not known; gzip is`);
  let json: unknown;
  try {
    const plain = encoding === 'gzip' ? gunzipSync(body, { maxOutputLength: MOST_UNPACKED }) : body;
    json = JSON.parse(plain.toString('utf8'));
  } catch (error) {
    return refuse(`The body cannot be read: ${messageOf(error).slice(0, 200)}`);
  }
  const parsed = payloadSchema.safeParse(json);
  return parsed.success
    ? { ok: true, payload: parsed.data }
    : refuse(`Not an ExportMetricsServiceRequest: ${z.prettifyError(parsed.error).slice(0, 500)}`);
}

function answerOf(rejected: readonly Rejected[]): object {
  const count = rejected.reduce((sum, one) => sum + one.count, 0);
  if (count === 0) return {};
  const reasons = [...new Set(rejected.map(({ reason }) => reason))].slice(0, 5);
  return { partialSuccess: { rejectedDataPoints: String(count), errorMessage: reasons.join('; ') } };
}
