/** Requests of one version in one span of time, and how many of them were bad (failed, slow, refused: whatever the metric counts). */
export interface Arm {
  readonly requests: number;
  readonly bad: number;
}

/** Both versions over the same span, read at the same moment: a shared outage shows in both, and cancels out. */
export interface Pair {
  readonly canary: Arm;
  readonly stable: Arm;
}

export const NO_ARM: Arm = { requests: 0, bad: 0 };
export const NO_REQUESTS: Pair = { canary: NO_ARM, stable: NO_ARM };

/** The counts of two spans together. */
export function addPairs(one: Pair, other: Pair): Pair {
  return { canary: addArms(one.canary, other.canary), stable: addArms(one.stable, other.stable) };
}

export function addArms(one: Arm, other: Arm): Arm {
  return { requests: one.requests + other.requests, bad: one.bad + other.bad };
}

/** Why these are no counts, or null when they are: whole numbers, and no more bad requests than requests. */
export function problemOfPair({ canary, stable }: Pair): string | null {
  for (const [side, { requests, bad }] of [
    ['canary', canary],
    ['stable', stable],
  ] as const) {
    if (!isCount(requests) || !isCount(bad)) return `${side}: ${bad} bad of ${requests} requests are not whole numbers of 0 or more`;
    if (bad > requests) return `${side}: ${bad} bad requests, but only ${requests} requests`;
  }
  return null;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
