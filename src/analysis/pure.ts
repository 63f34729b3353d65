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
export type { Ask, GuardDefinition, MetricDefinition, SourceDefinition } from './core/source.ts';
export { addReading, feedAtCheckpoint, NO_FEED, type Feed } from './core/feed.ts';
export { addToGuard, checkGuard, type GuardState } from './core/guard.ts';
export { checkedReading, silent, type Reading } from './core/reading.ts';
export { problemOfQuery } from './core/promql.ts';
export { parseSelector } from './core/selector.ts';
