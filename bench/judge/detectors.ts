import { ERRORS, scatterOf } from '../../src/analysis/index.ts';
import { logMeanExp, logRatioEvidence } from '../../src/analysis/core/mixture.ts';
import { addToRatioTest, ratioEvidence, startRatioTest } from '../../src/analysis/core/ratio-test.ts';
import { seededRandom } from '../../src/analysis/core/sample.ts';
import { drawTick } from '../../src/analysis/core/simulate.ts';
import type { Scenario } from './scenarios.ts';
import { historyOf, PODS, worldOf } from './truth.ts';

/** When each detector fires on the same counts, in seconds after the onset; null for not at all. */
export interface DetectorOutcome {
  readonly shiryaevRoberts: number | null;
  readonly cusum: number | null;
  /** One of them fired before the onset. */
  readonly early: boolean;
}

const TICK_MS = 10_000;
/** As the product splits it: two metrics, two fifths of each for the change. */
const ALPHA = 0.01 / 2 / (5 / 2);

/**
 * The two e-detectors of docs/decisions/0014 side by side: same grid, margin, deflation and threshold `periods / alpha`. They differ in
 * how the e-processes begun in each period are put together: their sum (Shiryaev and Roberts) or the largest of them (e-CUSUM).
 */
export function detectOnce(scenario: Scenario, seed: number): DetectorOutcome {
  const random = seededRandom(seed);
  const truth = scenario.truth(random);
  const { dispersion, luck } = scatterOf(historyOf(truth, 'errors', random));
  const weighing = { dispersion, tolerated: ERRORS.margin * luck, most: { bad: 1e9, change: 1e9 }, begun: 1 };
  const world = worldOf(truth);
  const threshold = Math.log(Math.max(8_640, scenario.minutes * 6) / ALPHA);
  let test = startRatioTest(ERRORS.margin);
  let largest = test.grid.above.ratios.map(() => 0);
  const at: { sum: number | null; most: number | null } = { sum: null, most: null };
  for (let now = 0; now < scenario.minutes * 60_000 && (at.sum === null || at.most === null); now += TICK_MS) {
    const pair = drawTick(world(now, 1 / (PODS + 1)), now + TICK_MS, TICK_MS, random).tick.metrics['errors'];
    if (pair === null || pair === undefined) continue;
    test = addToRatioTest(test, pair, weighing);
    const w = pair.canary.requests / (pair.canary.requests + pair.stable.requests);
    const span = { w, canaryBad: pair.canary.bad / dispersion, stableBad: pair.stable.bad / dispersion };
    if (w > 0 && w < 1) {
      largest = largest.map((log, index) => {
        const ratio = test.grid.above.ratios[index] ?? 0;
        return ratio > weighing.tolerated ? Math.max(log, 0) + logRatioEvidence(ratio, weighing.tolerated, span) : 0;
      });
    }
    if (ratioEvidence(test).change >= threshold) at.sum ??= now + TICK_MS;
    if (logMeanExp(largest) >= threshold) at.most ??= now + TICK_MS;
  }
  const onset = scenario.onset * 60_000;
  const after = (time: number | null): number | null => (time === null ? null : (time - onset) / 1_000);
  const early = [at.sum, at.most].some((time) => time !== null && time <= onset);
  return { shiryaevRoberts: after(at.sum), cusum: after(at.most), early };
}
