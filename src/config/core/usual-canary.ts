import { DEFAULT_POLICY, type JudgePolicy } from '../../analysis/pure.ts';
import type { Duration } from '../../kernel/pure.ts';

/** The shape of a canary's definition, which belongs to a higher room. */
interface UsualCanary {
  readonly checkpoints: readonly { readonly weight: number; readonly forMs: Duration; readonly pause: boolean }[];
  readonly everyMs: Duration;
  readonly policy: JudgePolicy;
}

const HOUR = 3_600_000;

/** What `strategy: canary` alone means: 5, 10, 25, 50 and 100 % at T+0, 1, 4, 12 and 24 hours. */
export const USUAL_CANARY: UsualCanary = {
  checkpoints: [
    { weight: 5, forMs: HOUR, pause: false },
    { weight: 10, forMs: 3 * HOUR, pause: false },
    { weight: 25, forMs: 8 * HOUR, pause: false },
    { weight: 50, forMs: 12 * HOUR, pause: false },
  ],
  everyMs: 500,
  policy: DEFAULT_POLICY,
};

/** The usual weights over another time. */
export function scaledSchedule(overMs: Duration = 24 * HOUR): UsualCanary['checkpoints'] {
  return USUAL_CANARY.checkpoints.map((one) => ({ ...one, forMs: Math.round((one.forMs * overMs) / (24 * HOUR)) }));
}
