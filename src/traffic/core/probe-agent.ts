/** The `user-agent` of Slipway's own requests. A router passes them on like any other and leaves them out of its counts. */
export const PROBE_AGENT = 'slipway-smoke';

/** Our own questions are no users: a window in which nobody came must look neither good nor bad because of them. */
export function isProbe(headers: Readonly<Record<string, unknown>>): boolean {
  return headers['user-agent'] === PROBE_AGENT;
}
