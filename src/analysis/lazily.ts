/**
 * The parts of this room that bring undici, hono or zod, loaded when they are first used: every command would wait for
 * all of them at its start.
 */
import type { Hono } from 'hono';
import type { Clock } from '../kernel/index.ts';
import type { CommandSourceOptions } from './adapters/command.ts';
import type { OtlpOptions } from './adapters/otlp.ts';
import type { PrometheusOptions } from './adapters/prometheus.ts';
import type * as Counter from './adapters/prometheus/counter.ts';
import type { MetricSource } from './ports.ts';

/** See `adapters/prometheus.ts`. */
export function createPrometheusSource(options: PrometheusOptions): MetricSource {
  return lazily(async () => (await import('./adapters/prometheus.ts')).createPrometheusSource(options));
}

/** See `adapters/prometheus/counter.ts`. */
export async function riseOf(...asked: Parameters<typeof Counter.riseOf>): Promise<Counter.Rise> {
  return (await import('./adapters/prometheus/counter.ts')).riseOf(...asked);
}

/** See `adapters/otlp.ts`. */
export function createOtlpSource(options: OtlpOptions): MetricSource {
  return lazily(async () => (await import('./adapters/otlp.ts')).createOtlpSource(options));
}

/** See `adapters/command.ts`. */
export function createCommandSource(options: CommandSourceOptions): MetricSource {
  return lazily(async () => (await import('./adapters/command.ts')).createCommandSource(options));
}

function lazily(load: () => Promise<MetricSource>): MetricSource {
  let made: Promise<MetricSource> | null = null;
  return { read: async (question, signal) => (await (made ??= load())).read(question, signal) };
}

/** The receiver's two doors: what services send to, and what the worker asks. */
export interface OtlpDoors {
  readonly receiver: Hono;
  readonly readings: Hono;
}

/** See `adapters/otlp/`. `epoch` is another one each time. */
export async function createOtlpDoors(epoch: string, clock: Clock): Promise<OtlpDoors> {
  const [{ createOtlpStore }, { createOtlpReceiver }, { createReadingRoutes }] = await Promise.all([
    import('./adapters/otlp/store.ts'),
    import('./adapters/otlp/receiver.ts'),
    import('./adapters/otlp/reading-routes.ts'),
  ]);
  const store = createOtlpStore(epoch, clock.now());
  return { receiver: createOtlpReceiver(store, clock), readings: createReadingRoutes(store, clock) };
}
