import type { Plan, Step } from '../plan.ts';
import type { Draft, Part } from './draft.ts';
import { step } from './input.ts';

/** Turning a flag off takes a write and a moment to hear of those who evaluate it; traffic never waits for longer than this. */
const OPTIONS = { timeoutMs: 60_000, attempts: 3, retryDelayMs: 1_000, mayFail: true } as const;

/**
 * What turns this release's flags off at the start of its way back. One that the old version carries too, and that was on when the
 * release began, is left as it is: that is where going back leads to.
 */
export function flagsOff({ input, old }: Draft): Pick<Plan, 'flagsOff'> {
  const flags = input.definition.flags ?? [];
  if (flags.length === 0) return {};
  return { flagsOff: [offStep('rollback', flags, old?.definition.flags ?? [])] };
}

/**
 * A release that puts an earlier version back turns off what only the version that is left knows, before anything is asked: a check
 * that stops the rollback must not keep the flag on as well.
 */
export function leaveFlags({ input, old }: Draft): Part {
  const kept = new Set(input.definition.flags);
  const flags = input.kind === 'rollback' ? (old?.definition.flags ?? []).filter((key) => !kept.has(key)) : [];
  return { steps: flags.length === 0 ? [] : [offStep('preflight', flags, [])], undo: {} };
}

function offStep(stage: 'preflight' | 'rollback', flags: readonly string[], shared: readonly string[]): Step {
  const input = { flags: [...flags], shared: shared.filter((key) => flags.includes(key)) };
  return step(stage, 'flags-off', { kind: 'flags-off', title: `turn ${flags.join(', ')} off`, input }, OPTIONS);
}
