/** What the cores of higher rooms may use: the whole judge is pure. */
export type { Arm, Pair } from './core/counts.ts';
export {
  addTick,
  atCheckpoint,
  judgementOf,
  startJudge,
  verdictOf,
  type Dispersions,
  type Judge,
  type Judgement,
  type MetricJudgement,
  type Tick,
} from './core/judge.ts';
export type { ScheduledWeight } from './core/simulate.ts';
export { DEFAULT_POLICY, ERRORS, LATENCY, PERIOD_MS, type BakeShape, type MetricPolicy, type SequentialPolicy } from './core/policy.ts';
export { addPairs, NO_REQUESTS, problemOfPair } from './core/counts.ts';
export { scatterOf } from './core/dispersion.ts';
export { plotSvg } from './core/plot-svg.ts';
export { plotLines } from './core/plot-terminal.ts';
export { roundTop, tellValue, type Plot } from './core/plot.ts';
export { answerOf, catchPlot, playOnce, usualRuns, type WhatIf, type WhatIfAnswer } from './core/what-if.ts';
