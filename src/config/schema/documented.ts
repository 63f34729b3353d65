import { z } from 'zod';
import { FACTS, type JudgePolicy } from '../../analysis/index.ts';
import type { FactDefinition } from '../domain.ts';
import { gaugeField, refuserOf, sourceFields, toGauge } from './metric-source.ts';
import { section } from './scalars.ts';

const source = section({ ...sourceFields, gauge: gaugeField }).transform((given, context) => toGauge(given, refuserOf(context)));
/** What a service may not have at all says so, for silence would hold its canary. */
const sourceOrNone = z.union([z.literal('none'), source]);

/** Where the facts of the judge `documented` come from. */
export const documented = section({
  cpu: source.optional().describe("CPU of each version, compared as a ratio: choose a value that does not grow with the version's share of traffic."),
  memory: source.optional().describe('Memory of each version, compared as a ratio.'),
  'memory-of-limit': sourceOrNone.optional().describe('Memory as a share of its limit, 0 to 1; or none, where there is no limit.'),
  breakers: sourceOrNone.optional().describe('More than 0 while a circuit breaker is open; or none, where there are no breakers.'),
  corrupted: source.optional().describe('More than 0 when data are found to be corrupted (default: nobody looks).'),
});
type Given = z.output<typeof documented>;

export function toFacts(given: Given): readonly FactDefinition[] {
  return FACTS.flatMap((fact) => {
    const declared = given[fact];
    return declared === undefined || declared === 'none' ? [] : [{ name: `documented.${fact}`, fact, source: declared }];
  });
}

export function toDocumented(given: Given = {}): JudgePolicy {
  const without = (['memory-of-limit', 'breakers'] as const).filter((fact) => given[fact] === 'none');
  return { kind: 'documented', custom: {}, ...(without.length === 0 ? {} : { without }) };
}
