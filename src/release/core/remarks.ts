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

/** Flags that were to be off and are not known to be: nothing waited for them, so a person has to look. */
export function flagsLeftOn({ plan, undo, steps }: Pick<ReleaseState, 'plan' | 'undo' | 'steps'>): readonly string[] {
  return [...plan.steps, ...(undo ?? [])].flatMap(({ id, kind }) => {
    const step = steps[id];
    if (kind !== 'flags-off' || step === undefined || step.status === 'pass' || step.status === 'skipped') return [];
    return [step.status === 'interrupted' || step.reason === '' ? `${id} did not end: see whether the flags are off` : step.reason];
  });
}
