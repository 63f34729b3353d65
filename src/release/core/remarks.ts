import { shiftText, type Judgement } from '../../analysis/pure.ts';
import type { CanaryInput } from './canary.ts';
import type { ReleaseState } from './state.ts';

/** What steps that passed want a person to know (restarts in the window, a router that was away), for the end of the release. */
export function remarksOf({ steps }: Pick<ReleaseState, 'steps'>): readonly string[] {
  return Object.values(steps).flatMap(({ facts }) => {
    const told = facts['remarks'];
    return Array.isArray(told) ? told.filter((one): one is string => typeof one === 'string') : [];
  });
}

/** Of a canary that was let pass: what it is unlike the stable version in. Reported, never acted on. */
export function shiftRemarks({ metrics }: Judgement, { canary, weight }: Pick<CanaryInput, 'canary' | 'weight'>): readonly string[] {
  return metrics.flatMap(({ name, shift }) => (shift === null ? [] : [`${canary.version} at ${weight} %: ${name} is ${shiftText(shift)}`]));
}
