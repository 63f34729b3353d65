import { z } from 'zod';
import { ERRORS, LATENCY } from '../../analysis/index.ts';
import type { Ask, GuardDefinition, MetricDefinition } from '../domain.ts';
import { toleranceFields, toMetric } from './canary.ts';
import { gaugeField, refuserOf, sourceFields, toGauge, toSource, type Asked, type Refuse } from './metric-source.ts';
import { duration, nonBlank, section } from './scalars.ts';

export const metricFields = {
  ...sourceFields,
  requests: nonBlank.optional().describe('Query or name of the counter of all that was tried.'),
  bad: nonBlank.optional().describe('Query or name of the counter of what failed of it.'),
  histogram: nonBlank.optional().describe('Query or name of a histogram, instead of `requests` and `bad`.'),
  'slower-than': z.number().positive('must be more than 0').optional().describe("Bucket bound above which a sample is bad, in the histogram's unit (default: the stable version's 99th percentile)."),
  ...toleranceFields,
};

export const guardFields = {
  ...sourceFields,
  gauge: gaugeField,
  above: z.number('a number').describe('Limit of the value.'),
  for: duration.optional().describe('How long the canary may be above it (default 0s).'),
};

export const metric = section(metricFields).transform((given, context): Omit<MetricDefinition, 'name'> => {
  const refuse = refuserOf(context);
  const { requests, bad, histogram } = given;
  const isHistogram = histogram !== undefined;
  if (given.from !== 'command') refuseIncomplete({ requests, bad, histogram }, refuse);
  if (given['slower-than'] !== undefined && !isHistogram && given.from !== 'command') refuse('slower-than', 'belongs to a `histogram`');
  const ask: Ask = isHistogram ? { kind: 'histogram', histogram } : { kind: 'counts', requests: requests ?? '', bad: bad ?? '' };
  const source = toSource(given, { ask, queries: { requests, bad, histogram } }, refuse);
  return { source, slowerThan: given['slower-than'] ?? null, policy: toMetric(isHistogram ? LATENCY : { ...ERRORS, limit: null }, given) };
});

function refuseIncomplete({ requests, bad, histogram }: Asked['queries'], refuse: Refuse): void {
  if (histogram !== undefined && (requests !== undefined || bad !== undefined)) refuse('histogram', 'cannot stand beside `requests` and `bad`; keep one');
  else if (histogram === undefined && requests === undefined) refuse('', 'needs `requests` and `bad`, or `histogram`');
  else if (histogram === undefined && bad === undefined) refuse('', 'needs `bad` beside `requests`: what is compared is how many of them failed');
}

export const guard = section(guardFields).transform((given, context): Omit<GuardDefinition, 'name'> => {
  return { source: toGauge(given, refuserOf(context)), above: given.above, forMs: given.for ?? 0 };
});

