/** Names the release that speaks; the target refuses a lower one than it has seen. */
export const FENCE_HEADER = 'slipway-fence';
