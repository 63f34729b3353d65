/** Bounds of the HAProxy router that the configuration's own do not set. */
export interface HaproxyLimits {
  readonly holdRequests: number;
  readonly holdMs: number;
  /** How long requests in flight may go on after their process was replaced or told to end. */
  readonly drainMs: number;
  /** How often a listen port that is in use is tried again. */
  readonly listenRetryMs: number;
  /** Between two looks whether log lines are missing and servers can be forgotten. */
  readonly auditMs: number;
  /** An instance that left is taken out of HAProxy's memory after this, and only when it has no connection any more. */
  readonly forgetMs: number;
  /** How many bytes of log lines may wait to be read, as far as the system grants it. */
  readonly logBufferBytes: number;
}

/** How long the process another agent left goes on while instances are looked for. */
export const PATIENCE_MS = 5_000;

/** Between two looks whether instances break connections. */
export const LOOK_MS = 250;

export const DEFAULT_LIMITS: HaproxyLimits = {
  holdRequests: 1_000,
  holdMs: 30_000,
  drainMs: 30_000,
  listenRetryMs: 500,
  auditMs: 1_000,
  forgetMs: 5_000,
  logBufferBytes: 4 << 20,
};
