/** What identifies one span of a distributed trace, as W3C Trace Context and OpenTelemetry write it: lower-case hex. */
export interface Trace {
  /** 32 hex digits, not all zero. */
  readonly traceId: string;
  /** 16 hex digits, not all zero. */
  readonly spanId: string;
  /** Two hex digits; bit 0 says that the caller records this trace. */
  readonly flags: string;
}

/** Version 00 ends after the flags, a later one may go on, ff is forbidden; ids of zeros only are not valid. */
const SHAPE = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|(?<!^00.{53})-)/;
/** Level 2 knows `sampled` and `random`; a flag we do not know must not be passed on. */
const KNOWN_FLAGS = 0b11;

/** Reads a `traceparent` header (https://www.w3.org/TR/trace-context/); null when there is none to continue. */
export function parseTraceparent(header: string | undefined): Trace | null {
  const match = SHAPE.exec(header ?? '');
  if (match === null) return null;
  const [, traceId = '', spanId = '', flags = ''] = match;
  return { traceId, spanId, flags: (Number.parseInt(flags, 16) & KNOWN_FLAGS).toString(16).padStart(2, '0') };
}

/** Writes version 00, which every later version must be able to read. */
export function formatTraceparent({ traceId, spanId, flags }: Trace): string {
  return `00-${traceId}-${spanId}-${flags}`;
}
