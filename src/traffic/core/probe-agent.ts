/** The `user-agent` of Slipway's own requests. A router passes them on like any other and leaves them out of its counts. */
export const PROBE_AGENT = 'slipway-smoke';
