import { DEFAULT_EJECTION } from '../../core/ejection.ts';

/** Every bound of the embedded router, in ms, bytes or counts. */
export interface RouterLimits {
  /** A client must have sent its request line and headers within this (slowloris). */
  readonly clientHeadersMs: number;
  /** ... and its whole request within this. */
  readonly clientRequestMs: number;
  /** How long an idle client connection is kept. Longer than the usual 60 s of a balancer in front, which must be the one to close. */
  readonly clientIdleMs: number;
  /** A connection on which nothing moves for this long is closed: a client that takes no more of its answer must not keep an instance busy. Longer than any pause we grant an instance. */
  readonly clientStallMs: number;
  /** How often the two client bounds are looked at. */
  readonly clientCheckMs: number;
  readonly maxHeaderBytes: number;
  readonly connectMs: number;
  /** From the request sent to the first byte of the answer; then 504. */
  readonly responseHeadersMs: number;
  /** Between two parts of an answer. */
  readonly responseIdleMs: number;
  /** Request bodies up to this size are kept until answered, so that they can be sent again. */
  readonly replayBytes: number;
  readonly holdRequests: number;
  readonly holdMs: number;
  /** How long requests in flight may go on after their endpoint, listener or router was taken away. */
  readonly drainMs: number;
  /** Broken connections in a row that take an endpoint out, for a time that doubles from `ejectMs` to `ejectMaxMs`. */
  readonly ejectAfter: number;
  readonly ejectMs: number;
  readonly ejectMaxMs: number;
  /** How often a restarted router tries again to take a listen port that is in use. */
  readonly listenRetryMs: number;
}

export const DEFAULT_LIMITS: RouterLimits = {
  clientHeadersMs: 10_000,
  clientRequestMs: 300_000,
  clientIdleMs: 75_000,
  clientStallMs: 330_000,
  clientCheckMs: 1_000,
  maxHeaderBytes: 16_384,
  connectMs: 2_000,
  responseHeadersMs: 60_000,
  responseIdleMs: 300_000,
  replayBytes: 65_536,
  holdRequests: 1_000,
  holdMs: 30_000,
  drainMs: 30_000,
  ...DEFAULT_EJECTION,
  listenRetryMs: 500,
};
