import { z } from 'zod';
import type { RollingDefinition } from '../domain.ts';
import { duration, percent } from './scalars.ts';

type Amount = RollingDefinition['surge'];

/** A whole number of instances, or a share of them. */
const amount = z.union([
  z
    .int('a whole number of instances or a share such as 25%')
    .min(0)
    .max(1_000)
    .transform((count): Amount => ({ count })),
  percent.transform((share): Amount => ({ share })),
]);

export const rollingFields = {
  surge: amount.optional().describe('Instances that may run above the wanted number in a rolling update, as a number or a share (default 1).'),
  unavailable: amount.optional().describe('Instances that may be missing meanwhile, as a number or a share (default 0).'),
  settle: duration.optional().describe('How long the new version is watched with each larger share (default 10s; 0s: not).'),
};

export const ROLLING_KEYS = Object.keys(rollingFields) as readonly (keyof typeof rollingFields)[];

const fields = z.object(rollingFields);

/** The rolling update as written, with what is left to convention. */
export function toRolling(given: z.output<typeof fields>, context: z.core.$RefinementCtx): RollingDefinition {
  const rolling = { surge: given.surge ?? { count: 1 }, unavailable: given.unavailable ?? { count: 0 }, pauseMs: given.settle ?? 10_000 };
  if (isZero(rolling.surge) && isZero(rolling.unavailable))
    context.addIssue({ code: 'custom', path: ['surge'], message: 'with no surge and nothing that may be unavailable no instance can ever be replaced: raise one of the two' });
  return rolling;
}

function isZero(amount: Amount): boolean {
  return ('count' in amount ? amount.count : amount.share) === 0;
}
