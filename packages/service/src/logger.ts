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

const { req, res } = pino.stdSerializers;
/** What frameworks log: whole requests and answers, of which a few fields are meant. */
const WHOLE = { req, request: req, res, response: res, reply: res } as Readonly<Record<string, (value: never) => unknown>>;

const isPlain = (value: object): boolean => Object.getPrototypeOf(value) === Object.prototype || Array.isArray(value);

/** A query may hold anything, a token for one. */
const withoutQuery = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'url' in value
    ? { ...value, url: String(value.url).split('?', 1)[0], query: undefined }
    : value;

function clean(fields: object): Record<string, unknown> {
  const entries = Object.entries(fields).map(([key, value]: [string, unknown]) => {
    const serialize = WHOLE[key];
    const isWhole = serialize !== undefined && typeof value === 'object' && value !== null && !isPlain(value);
    return [key, isWhole ? withoutQuery(serialize(value as never)) : value];
  });
  return redactKeys(Object.fromEntries(entries), errorFields) as Record<string, unknown>;
}

/** pino has no formatter for the fields of a child; children inherit this from their parent. */
function guardChildren(logger: Logger): Logger {
  const child = logger.child as unknown as (this: Logger, fields: object, options?: pino.ChildLoggerOptions) => Logger;
  return Object.defineProperty(logger, 'child', {
    value: function guarded(this: Logger, fields: object, options?: pino.ChildLoggerOptions): Logger {
      return child.call(this, clean(fields), options);
    },
  });
}

/** JSON lines with trace ids, in which neither secret-looking keys nor known secret values appear. */
export function createLogger({ base, level = 'info', secrets = [], destination }: LoggerOptions): Logger {
  const asIs = (value: unknown): unknown => value;
  const logger = pino(
    {
      level,
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: ids,
      // `clean` has made plain fields of every error, so pino's own serializers have nothing left to do.
      serializers: { err: asIs, error: asIs },
      formatters: { level: (label) => ({ level: label }), log: clean },
      hooks: { streamWrite: redactValues(secrets) },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
  return guardChildren(logger);
}
