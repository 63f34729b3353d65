/** Why a router answers by itself. `retryAfter` in seconds. */
export interface OwnAnswer {
  readonly status: 400 | 502 | 503 | 504;
  readonly message: string;
  readonly retryAfter?: number;
}

export const CLOSED: OwnAnswer = { status: 503, message: 'This service is closed for a release.', retryAfter: 5 };
export const HELD_TOO_LONG: OwnAnswer = {
  status: 503,
  message: 'This service is being released and did not open again in time.',
  retryAfter: 2,
};
export const NO_ENDPOINT: OwnAnswer = { status: 503, message: 'No instance of this service is ready.', retryAfter: 1 };
export const UNREACHABLE: OwnAnswer = { status: 502, message: 'The instance that took this request broke the connection.' };
export const TOO_SLOW: OwnAnswer = { status: 504, message: 'The instance that took this request did not answer in time.' };
export const NOT_FORWARDABLE: OwnAnswer = { status: 400, message: 'This request cannot be forwarded.' };
