import type { Verdict } from '../../kernel/pure.ts';
import type { MetricFigures } from './metric-judge.ts';
import type { MetricPolicy } from './policy.ts';

/** The canary is credibly unlike the stable version, and is tolerated: reported, never acted on. */
export interface Shift {
  readonly direction: 'worse' | 'better';
  /** Times the stable rate, by the confidence sequence; null where it has no end. */
  readonly low: number;
  readonly high: number | null;
}

/**
 * The shift of a metric that was not failed; null where there is none to speak of. The confidence sequence for the ratio of the rates must
 * exclude 1, and what stable instances differ by among themselves: whoever looks after every tick sees a shift of a canary that has none
 * with a chance of at most 5 % per checkpoint and metric. A few bad requests are no shift.
 */
export function shiftIn({ ratio, luck, seen }: MetricFigures, { leastBad }: MetricPolicy, verdict: Verdict): Shift | null {
  if (verdict === 'fail' || seen.canary.bad + seen.stable.bad < leastBad) return null;
  const high = Number.isFinite(ratio.high) ? ratio.high : null;
  if (ratio.low > luck && seen.canary.bad >= leastBad) return { direction: 'worse', low: ratio.low, high };
  return ratio.high < 1 / luck ? { direction: 'better', low: ratio.low, high } : null;
}

/** In words, as the end of a sentence. */
export function shiftText({ direction, low, high }: Shift): string {
  const times = `${told(low)} to ${high === null ? 'any number of' : told(high)} times the stable version's rate`;
  return direction === 'worse'
    ? `worse than the stable version (${times}), which is tolerated`
    : `better than the stable version (${times})`;
}

function told(ratio: number): string {
  return String(Number(ratio.toPrecision(2)));
}
