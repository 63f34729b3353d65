import type { Instant, Duration, Redactor } from './pure.ts';

/** The clock. `now` may jump (NTP, an operator); `monotonic` never goes back, so leases and timeouts use it. */
export interface Clock {
  now(): Instant;
  /** Milliseconds since an arbitrary start; counts on while the process is stopped by a signal. */
  monotonic(): Duration;
  /** Resolves after `ms`; resolves early (without error) when the signal aborts. */
  sleep(ms: Duration, signal?: AbortSignal): Promise<void>;
}

/** Identifiers. Injected so a test can name its releases. */
export interface Ids {
  /** A new release id: a lower-case ULID, so ids sort by time. */
  release(now: Instant): string;
  /** An unguessable token (128 bits, hex). */
  token(): string;
}

/** Fault points: a named place where a test may kill the process or throw. Does nothing in production. */
export interface Faults {
  at(point: string): void;
}

/** A command run under a guard process, see `exec.ts`. */
export interface ExecRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: Duration;
  /** Where redacted output is written, line by line. Created, never appended. */
  readonly logFile: string;
  /** Values to hide in the log and the tail, beyond what looks like a credential anyway. */
  readonly secrets: readonly string[];
  /** Output beyond this is counted and dropped (head and tail are kept). Default 100 MiB. */
  readonly maxLogBytes?: number;
  /** SIGTERM to SIGKILL. Default 5 s. */
  readonly graceMs?: Duration;
  /** Aborting kills the whole process group. */
  readonly signal?: AbortSignal;
}

/** Field names follow execa's result, the field's best known. */
export interface ExecResult {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly isCanceled: boolean;
  /** Last lines of redacted output, at most 4 KiB, for messages. */
  readonly tail: string;
  readonly log: { readonly bytes: number; readonly sha256: string; readonly truncated: boolean };
}

export type Exec = (request: ExecRequest) => Promise<ExecResult>;

/** Structured operational log of Slipway itself (not a step's raw log). Redacted before it is written. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Everything impure a room may need, passed in; tests replace time, randomness and faults only. */
export interface Effects {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly faults: Faults;
  readonly exec: Exec;
  /** Says that about so many commands will be run soon, so that what they need can be got ready while other things are waited for. */
  readonly commandsAhead?: (count: number) => void;
  readonly log: Log;
  readonly redact: Redactor;
}
