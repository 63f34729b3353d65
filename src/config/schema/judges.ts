import { z } from 'zod';
import {
  KAYENTA_DEFAULTS,
  KAYENTA_METRIC_DEFAULTS,
  LATENCY,
  THRESHOLD_DEFAULTS,
  type JudgePolicy,
  type SequentialPolicy,
  type ThresholdMetric,
} from '../../analysis/index.ts';
import { documented, toDocumented } from './documented.ts';
import { duration, positiveDuration, section } from './scalars.ts';

/** A comparison of one value with one number: `< 1%`, `>= 0.99`, `<= 500ms`. Nothing else can be written, so nothing is evaluated. */
const condition = z
  .string('a comparison such as "< 1%", ">= 99%" or "<= 500ms"')
  .meta({ pattern: '^(<|<=|>|>=) ?[0-9]+(\\.[0-9]+)?(%|ms|s)?$' })
  .transform((text, context) => {
    const [, is, number, unit = ''] = /^(<=|<|>=|>) ?(\d{1,12}(?:\.\d{1,9})?)(%|ms|s)?$/.exec(text.trim()) ?? [];
    if (is === '<' || is === '<=' || is === '>' || is === '>=') return { is, than: unit === '%' ? Number(number) / 100 : Number(number) * (unit === 's' ? 1_000 : 1), unit } as const;
    context.addIssue({ code: 'custom', message: `"${text}" is not a comparison; write <, <=, > or >= and a number, such as "< 1%" or "<= 500ms"` });
    return z.NEVER;
  });

const limit = z.int().min(0).max(100_000);

const thresholdFields = {
  metric: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be the name of a metric').optional().describe('Whose requests: errors, latency or a declared metric (default errors).'),
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be a name of lower-case letters, digits and "-"').optional().describe('What it is called (default the metric and the value).'),
  value: z.literal(['success', 'bad', 'difference', 'ratio', 'p50', 'p99']).optional().describe("What is compared: the canary's share of good or bad requests, its bad share less the stable one, or over it, or a percentile of its durations (default bad)."),
  success: condition.optional().describe('A measurement is successful when this holds: "< 1%", ">= 99%", "<= 500ms".'),
  failure: condition.optional().describe('A measurement has failed when this holds.'),
  window: positiveDuration.optional().describe('Over how long each measurement looks back (default 5m).'),
  interval: positiveDuration.optional().describe('Time between two measurements (default: one measurement).'),
  delay: duration.optional().describe('Before the first measurement (default 0s).'),
  count: z.int().min(1).max(100_000).optional().describe('Measurements until it is complete (default: one, or without end with an interval).'),
  'failure-limit': limit.optional().describe('It has failed with more failed measurements than this (default 0).'),
  'inconclusive-limit': limit.optional().describe('It is inconclusive, and the weight held, with more of these (default 0).'),
  'consecutive-error-limit': limit.optional().describe('Unknown, and the weight held, after more failures of the source in a row (default 4).'),
  'consecutive-success-limit': limit.optional().describe('Complete after so many successful measurements in a row; 0: off (default 0).'),
  'dry-run': z.boolean().optional().describe('Measured and shown, decides nothing (default false).'),
};

const score = z.number().min(0).max(100);

const mannWhitneyFields = {
  confidence: z.number().gt(0.5).lt(1).optional().describe('Of the interval for the shift between the two series (default 0.98).'),
  tolerance: z.number().min(0).max(10).optional().describe('Shifts inside this part of the estimated one are none (default 0.25).'),
  span: positiveDuration.optional().describe('Length of a point of the series (default 1m).'),
  interval: positiveDuration.optional().describe('Time between two scores; the newest one is the verdict (default 1h).'),
  'least-points': z.int().min(2).max(10_000).optional().describe('Points each series needs (default 50).'),
  pass: score.optional().describe('Score from which it passes (default 95).'),
  marginal: score.optional().describe('Score at or below which it fails (default 75).'),
  'allowed-increase': z.number().min(1).max(1_000).optional().describe('A mean so many times the stable one is no reason to fail (default 1: any).'),
  critical: z.boolean().optional().describe('Any metric that does not pass makes the score 0 (default false).'),
};

export const judgeFields = {
  judge: z.literal(['sequential', 'documented', 'threshold', 'mann-whitney']).optional().describe('Who decides: see docs/judge.md (default sequential).'),
  documented: documented.optional().describe('What the judge `documented` is told beside requests, and from where.'),
  threshold: z.array(section(thresholdFields)).min(1, 'needs at least one metric').max(20).optional().describe('Metrics of the judge `threshold`.'),
  'mann-whitney': section(mannWhitneyFields).optional().describe('Settings of the judge `mann-whitney`.'),
};

const fields = z.object(judgeFields);
type Given = z.output<typeof fields>;
type Refuse = (path: readonly (string | number)[], message: string) => void;

/** The policy of the judge that was chosen; what contradicts itself, or names no number, is refused. */
export function toPolicy(given: Given, sequential: SequentialPolicy, refuse: Refuse): JudgePolicy {
  // Settings of a judge that nobody chose would be ignored without a word.
  if (given.judge === undefined && given.threshold !== undefined) refuse(['judge'], 'is missing: `threshold` has a meaning only with `judge: threshold`');
  if (given.judge === undefined && given['mann-whitney'] !== undefined) refuse(['judge'], 'is missing: `mann-whitney` has a meaning only with `judge: mann-whitney`');
  if (given.judge === undefined && given.documented !== undefined) refuse(['judge'], 'is missing: `documented` has a meaning only with `judge: documented`');
  switch (given.judge ?? 'sequential') {
    case 'sequential':
      return sequential;
    case 'documented':
      return toDocumented(given.documented);
    case 'threshold':
      return { kind: 'threshold', metrics: toThresholds(given.threshold, refuse) };
    case 'mann-whitney':
      return toMannWhitney(given['mann-whitney'] ?? {}, sequential, refuse);
  }
}

function toThresholds(given: Given['threshold'], refuse: Refuse): readonly ThresholdMetric[] {
  if (given === undefined) {
    refuse(['threshold'], 'is missing: say with which numbers to judge, such as [{ failure: "> 5%", interval: 1m }]');
    return [];
  }
  if (given.every((one) => one['dry-run'] === true)) refuse(['threshold'], 'holds only dry runs, so nothing would decide');
  const metrics = given.map((one, index) => toThreshold(one, (path, message) => refuse(['threshold', index, ...path], message)));
  for (const [index, { name }] of metrics.entries())
    if (metrics.findIndex((other) => other.name === name) < index) refuse(['threshold', index, 'name'], `"${name}" is there twice`);
  return metrics;
}

function toThreshold(given: ThresholdGiven, refuse: Refuse): ThresholdMetric {
  const value = given.value ?? 'bad';
  const of = given.metric ?? (isTime(value) ? LATENCY.name : 'errors');
  refuseConditions(given, value, refuse);
  return {
    ...limitsOf(given),
    ...timesOf(given),
    name: given.name ?? `${of}-${value}`,
    of,
    value,
    successCondition: plain(given.success),
    failureCondition: plain(given.failure),
    dryRun: given['dry-run'] === true,
  };
}

type ThresholdGiven = NonNullable<Given['threshold']>[number];

function isTime(value: ThresholdMetric['value']): boolean {
  return value === 'p50' || value === 'p99';
}

function refuseConditions(given: ThresholdGiven, value: ThresholdMetric['value'], refuse: Refuse): void {
  if (given.success === undefined && given.failure === undefined) refuse([], 'has neither `success` nor `failure`: say with which number it is compared');
  for (const name of ['success', 'failure'] as const) {
    const unit = given[name]?.unit;
    if (unit !== undefined && isTime(value) !== (unit === 'ms' || unit === 's')) refuse([name], isTime(value) ? `${value} is a time: write "<= 500ms"` : `${value} is no time: write "< 1%"`);
  }
}

function plain(given: ThresholdGiven['success']): ThresholdMetric['successCondition'] {
  return given === undefined ? null : { is: given.is, than: given.than };
}

function timesOf(given: ThresholdGiven): Pick<ThresholdMetric, 'windowMs' | 'intervalMs' | 'initialDelayMs' | 'count'> {
  return {
    windowMs: given.window ?? THRESHOLD_DEFAULTS.windowMs,
    intervalMs: given.interval ?? null,
    initialDelayMs: given.delay ?? 0,
    count: given.count ?? null,
  };
}

function limitsOf(given: ThresholdGiven): Pick<ThresholdMetric, 'failureLimit' | 'inconclusiveLimit' | 'consecutiveErrorLimit' | 'consecutiveSuccessLimit'> {
  return {
    failureLimit: given['failure-limit'] ?? THRESHOLD_DEFAULTS.failureLimit,
    inconclusiveLimit: given['inconclusive-limit'] ?? THRESHOLD_DEFAULTS.inconclusiveLimit,
    consecutiveErrorLimit: given['consecutive-error-limit'] ?? THRESHOLD_DEFAULTS.consecutiveErrorLimit,
    consecutiveSuccessLimit: given['consecutive-success-limit'] ?? THRESHOLD_DEFAULTS.consecutiveSuccessLimit,
  };
}

function toMannWhitney(given: NonNullable<Given['mann-whitney']>, { metrics }: SequentialPolicy, refuse: Refuse): JudgePolicy {
  const policy = {
    ...KAYENTA_DEFAULTS,
    confidence: given.confidence ?? KAYENTA_DEFAULTS.confidence,
    tolerance: given.tolerance ?? KAYENTA_DEFAULTS.tolerance,
    spanMs: given.span ?? KAYENTA_DEFAULTS.spanMs,
    intervalMs: given.interval ?? KAYENTA_DEFAULTS.intervalMs,
    leastPoints: given['least-points'] ?? KAYENTA_DEFAULTS.leastPoints,
    pass: given.pass ?? KAYENTA_DEFAULTS.pass,
    marginal: given.marginal ?? KAYENTA_DEFAULTS.marginal,
  };
  if (policy.marginal >= policy.pass) refuse(['mann-whitney', 'marginal'], `${policy.marginal} must be below the score that passes, ${policy.pass}`);
  if (policy.intervalMs < policy.spanMs * policy.leastPoints)
    refuse(['mann-whitney', 'interval'], `is too short for ${policy.leastPoints} points: the first score could not be told`);
  const more = { critical: given.critical ?? false, allowedIncrease: given['allowed-increase'] ?? KAYENTA_METRIC_DEFAULTS.allowedIncrease };
  return { ...policy, metrics: metrics.map(({ name }) => ({ ...KAYENTA_METRIC_DEFAULTS, ...more, name })) };
}

