import { DEFAULT_POLICY, scatterOf } from '../../src/analysis/index.ts';
import { seededRandom } from '../../src/analysis/core/sample.ts';
import { simulateBake, type Bake, type BakeOutcome } from '../../src/analysis/core/simulate.ts';
import type { Scenario } from './scenarios.ts';
import { historyOf, METRICS, PODS, worldOf } from './truth.ts';

/** Alpha is split as for the default schedule of 24 hours, also where a scenario ends earlier or keeps one weight. */
const SHAPE = { checkpoints: 5, periods: 8_640 };

/** One canary judged exactly as the product does it: both default metrics, dispersion from the stable pods' last half hour. */
export function judgeOnce(scenario: Scenario, tickMs: number, seed: number): BakeOutcome {
  const random = seededRandom(seed);
  const truth = scenario.truth(random);
  const dispersions = Object.fromEntries(METRICS.map((metric) => [metric, scatterOf(historyOf(truth, metric, random))]));
  const bake: Bake = {
    policy: DEFAULT_POLICY,
    schedule: scenario.schedule ?? [{ share: 1 / (PODS + 1), forMs: scenario.minutes * 60_000 }],
    shape: { ...SHAPE, periods: Math.max(SHAPE.periods, scenario.minutes * 6) },
    dispersions,
    tickMs,
    patienceMs: null,
    world: worldOf(truth),
  };
  return simulateBake(bake, random);
}
