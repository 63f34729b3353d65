import { z } from 'zod';
import { DEFAULT_POLICY } from '../../analysis/index.ts';
import { parseSteps, USUAL_EVERY_MS, type RampDeclaration, type RampStep } from '../../release/index.ts';
import { judgeFields, toPolicy } from './judges.ts';
import { guard, metric } from './metrics.ts';
import { flagKey, name, nonBlank, positiveDuration, section } from './scalars.ts';

const about = z.literal(['variant', 'service']);

/** A file of the folder `ramps`. */
export const rampSchema = section({
  flag: flagKey.describe('Key of the flag.'),
  variant: nonBlank.optional().describe('The variant that more and more people get (default on).'),
  internal: nonBlank.optional().describe('Segment of the step `internal`.'),
  steps: z.array(nonBlank).min(1, 'names no step').max(50).describe('off, internal, or a share, each with its time: 1% for 24h.'),
  every: positiveDuration.optional().describe('Time between two looks at a young step (default 10s).'),
  threshold: judgeFields.threshold.describe('Fixed limits: of errors (the whole service) and of declared metrics.'),
  metrics: z.record(name, metric).optional().describe('Counts of those who have the variant and of those who do not, by name.'),
  guards: z.record(name, guard).optional().describe('Values that must not stay above a limit, by name.'),
  about: z.record(name, about).optional().describe('Whom a metric or guard is about: the variant (default), or the whole service.'),
});

type Entry = z.output<typeof rampSchema>;
type Complain = (path: readonly string[], message: string) => void;

/** What the file says, in the words of the release room; what does not fit together is told to `complain`. */
export function toRamp(_name: string, given: Entry, complain: Complain): RampDeclaration | null {
  const steps = stepsOf(given.steps, complain);
  const whom = given.about ?? {};
  const named = <T>(map: Readonly<Record<string, T>> = {}) => Object.entries(map).map(([key, one]) => ({ ...one, name: key, about: whom[key] ?? ('variant' as const) }));
  const metrics = named(given.metrics).map((one) => ({ ...one, policy: { ...one.policy, name: one.name } }));
  const guards = named(given.guards);
  for (const key of Object.keys(whom)) if (![...metrics, ...guards].some((one) => one.name === key)) complain(['about', key], `there is no metric or guard "${key}"`);
  for (const { name: key } of guards) if (metrics.some((one) => one.name === key)) complain(['guards', key], `"${key}" is a metric already; choose another name`);
  if (given.metrics?.['errors'] !== undefined) complain(['metrics', 'errors'], '"errors" is what the router counts; choose another name');
  return {
    flag: given.flag,
    variant: given.variant ?? 'on',
    internal: given.internal ?? null,
    steps,
    threshold: thresholdOf(given.threshold, complain),
    metrics,
    guards,
    everyMs: given.every ?? USUAL_EVERY_MS,
  };
}

function stepsOf(given: readonly string[], complain: Complain): readonly RampStep[] {
  const steps = parseSteps(given);
  if (typeof steps !== 'string') return steps;
  complain(['steps'], steps);
  return [];
}

function thresholdOf(given: Entry['threshold'], complain: Complain): RampDeclaration['threshold'] {
  if (given === undefined) return null;
  const policy = toPolicy({ judge: 'threshold', threshold: given }, DEFAULT_POLICY, (path, message) => complain(path.map(String), message));
  return policy.kind === 'threshold' ? policy.metrics : null;
}
