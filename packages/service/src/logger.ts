import pino from 'pino';
import { currentContext } from './context.ts';
import { redactKeys, redactValues } from './core/redact.ts';

export type Logger = pino.Logger;

export interface LoggerOptions {
  /** Fields on every line. */
  readonly base: Readonly<Record<string, unknown>>;
  /** Default `info`. */
  readonly level?: string;
  /** Values that may never be written, whatever key or text they are in. */
  readonly secrets?: readonly string[];
  /** Where lines go; default standard output, written at once so that the last line before an exit is there. */
  readonly destination?: { write(line: string): void };
}

const errorFields = (error: Error): object => ({ ...pino.stdSerializers.err(error) });

/** Trace ids under the names OpenTelemetry gives them in logs that are not OTLP. */
function ids(): object {
  const context = currentContext();
  if (context === undefined) return {};
  const { traceId, spanId, flags, correlationId } = context;
  return { trace_id: traceId, span_id: spanId, trace_flags: flags, correlation_id: correlationId };
}

/** JSON lines with trace ids, in which neither secret-looking keys nor known secret values appear. */
export function createLogger({ base, level = 'info', secrets = [], destination }: LoggerOptions): Logger {
  const clean = (fields: object): Record<string, unknown> => redactKeys(fields, errorFields) as Record<string, unknown>;
  const asIs = (value: unknown): unknown => value;
  return pino(
    {
      level,
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: ids,
      // `clean` has made plain fields of every error, so pino's own serializers have nothing left to do.
      serializers: { err: (value: unknown) => (value instanceof Error ? clean({ value })['value'] : value), error: asIs },
      formatters: { level: (label) => ({ level: label }), log: clean, bindings: clean },
      hooks: { streamWrite: redactValues(secrets) },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}
