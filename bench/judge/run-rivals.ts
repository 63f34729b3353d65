import type { Arm } from '../../src/analysis/index.ts';
import { sampleBinomial, samplePoisson, seededRandom, type Random } from '../../src/analysis/core/sample.ts';
import { sampleDurations, sampleP99 } from './latency.ts';
import { RIVALS, type MinuteOfAll, type RivalOutcome } from './rivals.ts';
import type { Scenario } from './scenarios.ts';
import { BASELINE, CANARY, PODS, shareOf, stableShare, type Truth } from './truth.ts';

/** Parts of a minute that are drawn one by one, so that what lasts half a minute lasts half a minute. */
const PARTS = 6;

/** One run of a scenario as all rivals see it: the same counts for all. Rivals see no more than the first 24 hours and what follows the onset. */
export function rivalsOnce(scenario: Scenario, seed: number): Readonly<Record<string, RivalOutcome>> {
  const random = seededRandom(seed);
  const truth = scenario.truth(random);
  const minutes = Array.from({ length: scenario.minutes }, (_minute, minute) => drawMinute(scenario, truth, minute, random));
  return Object.fromEntries(Object.entries(RIVALS).map(([name, rival]) => [name, rival(minutes, scenario.metric)]));
}

function drawMinute(scenario: Scenario, truth: Truth, minute: number, random: Random): MinuteOfAll {
  const { metric } = scenario;
  const draw = (share: (at: number) => number, pods: number): Arm => {
    let [requests, bad] = [0, 0];
    for (let part = 0; part < PARTS; part++) {
      const at = minute + part / PARTS;
      const some = samplePoisson((truth.perMinute(at) * pods) / PARTS, random);
      requests += some;
      bad += sampleBinomial(some, share(at), random);
    }
    return { requests, bad };
  };
  const canary = draw((at) => shareOf(truth, CANARY, at, metric), 1);
  const baseline = draw((at) => shareOf(truth, BASELINE, at, metric), 1);
  const stable = draw((at) => stableShare(truth, at, metric), PODS);
  const kind = minute >= scenario.onset ? scenario.latency : 'same';
  return {
    canary,
    baseline,
    stable,
    p99: { canary: sampleP99(kind, canary.requests, random), baseline: sampleP99('same', baseline.requests, random) },
    durations: { canary: sampleDurations(kind, canary.requests, random), baseline: sampleDurations('same', baseline.requests, random) },
  };
}
