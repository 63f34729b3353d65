import { z } from 'zod';
import { DEFAULT_POLICY, ERRORS, LATENCY, type MetricPolicy } from '../../analysis/index.ts';
import { scaledSchedule, USUAL_CANARY } from '../core/usual-canary.ts';
import type { CanaryDefinition } from '../domain.ts';
import { cohort } from './cohort.ts';
import { toFacts } from './documented.ts';
import { judgeFields, toPolicy } from './judges.ts';
import { duration, percent, positiveDuration, section } from './scalars.ts';

type Checkpoint = CanaryDefinition['checkpoints'][number];

const checkpoint = section({
  weight: percent.describe('Share of the requests, in whole percent: 5%.'),
  for: duration.optional().describe('How long at least (default 0s: until it is proven good).'),
  pause: z.boolean().optional().describe('Wait for `slipway promote` as well (default false).'),
});

/** A share that can be above and below. */
const share = percent.refine((value) => value > 0 && value < 1, 'must be more than 0% and less than 100%');

export const toleranceFields = {
  margin: z.number().min(1.01, 'must be more than 1: nothing can be proven to be exactly as good').max(50).optional().describe('So many times the stable version\'s rate is tolerated (default 1.5).'),
  clean: share.optional().describe('A canary below this passes without a comparison (default 0.1% of errors, 2% of slow requests).'),
  limit: share.optional().describe('A canary above this, and above the stable version, fails whatever the margin (default 5% of errors, none for slow requests).'),
  'least-bad': z.int().min(1).max(100_000).optional().describe('Bad canary requests before it may fail (default 5 errors, 20 slow requests).'),
  warmup: duration.optional().describe('Time after the first request in which more is tolerated: four times the errors, any latency (default 60s).'),
};

const tolerance = section(toleranceFields);

export const canaryFields = {
  schedule: z.array(checkpoint).min(1, 'needs at least one checkpoint').max(20).optional().describe('Weights one after the other, below 100% (default 5%, 10%, 25%, 50% for 1h, 3h, 8h, 12h).'),
  over: positiveDuration.optional().describe('The default schedule, shortened or lengthened to this time in all (default 24h).'),
  every: positiveDuration.optional().describe('Time between two readings of the counters (default 500ms).'),
  cohort: cohort.optional().describe('Who stays with which version (default: each request is dealt by weight).'),
  ...judgeFields,
  errors: tolerance.optional().describe('What is tolerated of failed requests.'),
  latency: tolerance.optional().describe('What is tolerated of requests slower than 99 of 100 of the stable version\'s.'),
};

export const CANARY_KEYS = Object.keys(canaryFields) as readonly (keyof typeof canaryFields)[];

const fields = z.object(canaryFields);

/** The canary as written, with what is left to convention; what contradicts itself is refused. */
export function toCanary(given: z.output<typeof fields>, context: z.core.$RefinementCtx): CanaryDefinition {
  const refuse = (path: readonly (string | number)[], message: string): void => context.addIssue({ code: 'custom', path: [...path], message });
  if (given.schedule !== undefined && given.over !== undefined) refuse(['over'], 'shortens the default schedule; beside `schedule` it has no meaning, so delete one of the two');
  const checkpoints = (given.schedule ?? []).map((one, index): Checkpoint => toCheckpoint(one, (message) => refuse(['schedule', index, 'weight'], message)));
  for (const [index, { weight }] of checkpoints.entries()) {
    const before = checkpoints[index - 1];
    if (before !== undefined && weight <= before.weight) refuse(['schedule', index, 'weight'], `${weight}% does not come after ${before.weight}%: a canary only ever gets more, until it is taken back`);
  }
  return {
    checkpoints: given.schedule === undefined ? scaledSchedule(given.over) : checkpoints,
    everyMs: given.every ?? USUAL_CANARY.everyMs,
    ...(given.cohort === undefined ? {} : { cohort: given.cohort }),
    ...(given.judge === 'documented' && given.documented !== undefined ? { facts: toFacts(given.documented) } : {}),
    policy: toPolicy(given, { ...DEFAULT_POLICY, metrics: [toMetric(ERRORS, given.errors), toMetric(LATENCY, given.latency)] }, refuse),
  };
}

function toCheckpoint(given: z.output<typeof checkpoint>, refuse: (message: string) => void): Checkpoint {
  const weight = Math.round(given.weight * 10_000) / 100;
  if (!Number.isInteger(weight)) refuse(`${weight}% is not a whole percent, and routers only know whole ones`);
  if (weight < 1 || weight >= 100) refuse('must be from 1% to 99%: after the last checkpoint everybody is sent to the new version');
  return { weight, forMs: given.for ?? 0, pause: given.pause ?? false };
}

/** What is tolerated of a metric: as given, else as usual. */
export function toMetric(usual: MetricPolicy, given: Partial<z.output<typeof tolerance>> | undefined): MetricPolicy {
  return {
    ...usual,
    margin: given?.margin ?? usual.margin,
    clean: given?.clean ?? usual.clean,
    limit: given?.limit ?? usual.limit,
    leastBad: given?.['least-bad'] ?? usual.leastBad,
    warmupMs: given?.warmup ?? usual.warmupMs,
  };
}
