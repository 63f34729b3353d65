/** Below this weight a canary does not answer for the stable version: users get an error rather than more of what is unproven. */
const HALF = 50;

/**
 * May the backend at `index` take requests that were meant for another one which has no instance in service? The first backend
 * is the stable version: it may as long as it has any share. The others are canaries, and may only with half of the users or more.
 */
export function mayTakeOver(backends: readonly { readonly weight: number }[], index: number): boolean {
  const weight = backends[index]?.weight ?? 0;
  return index === 0 ? weight > 0 : weight >= HALF;
}
