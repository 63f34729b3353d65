import { z } from 'zod';
import { formatDuration } from '../../kernel/index.ts';
import type { ObserveDefinition, RollbackDefinition, StrategyDefinition } from '../domain.ts';
import { CANARY_KEYS, canaryFields, toCanary } from './canary.ts';
import { ROLLING_KEYS, rollingFields, toRolling } from './rolling.ts';
import { duration, percent, positiveDuration, reason, section } from './scalars.ts';

/** Below this, few services see enough traffic to judge; a shorter window is a decision somebody has to explain. */
const SHORTEST_UNEXPLAINED_MS = 15 * 60_000;

const OBSERVE: ObserveDefinition = { windowMs: SHORTEST_UNEXPLAINED_MS, everyMs: 15_000, because: null, maxErrorRate: 0.01, maxP99Ms: 500, maxRestarts: 2 };

export const observeFields = {
  window: positiveDuration.optional().describe('How long the new version is watched (default 15m).'),
  because: reason.optional().describe('Why the window is shorter than 15m.'),
  every: positiveDuration.optional().describe('Time between looks (default 15s, or the window if that is shorter).'),
  'error-rate': percent.optional().describe('Highest share of failed requests (default 1%).'),
  p99: positiveDuration.optional().describe('Highest 99th percentile of latency (default 500ms).'),
  restarts: z.int().min(0).max(10_000).optional().describe('Most restarts of instances (default 2).'),
};

/** `30m`, or the long form. */
export const observe = z.union([positiveDuration, section(observeFields)]).transform((given, context): ObserveDefinition => {
  const fields = typeof given === 'number' ? { window: given } : given;
  const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: typeof given === 'number' ? [] : [path], message });
  const windowMs = fields.window ?? OBSERVE.windowMs;
  const everyMs = fields.every ?? Math.min(OBSERVE.everyMs, windowMs);
  const because = fields.because ?? null;
  if (windowMs < SHORTEST_UNEXPLAINED_MS && because === null) refuse('window', `is shorter than 15m, which needs a reason: { window: ${formatDuration(windowMs)}, because: "..." }`);
  if (everyMs > windowMs) refuse('every', 'is longer than the window, so nothing would be seen');
  return {
    windowMs,
    everyMs,
    because: windowMs < SHORTEST_UNEXPLAINED_MS ? because : null,
    maxErrorRate: fields['error-rate'] ?? OBSERVE.maxErrorRate,
    maxP99Ms: fields.p99 ?? OBSERVE.maxP99Ms,
    maxRestarts: fields.restarts ?? OBSERVE.maxRestarts,
  };
});

export const OBSERVE_BY_DEFAULT = OBSERVE;

const strategyName = z.literal(['auto', 'recreate', 'rolling', 'blue-green', 'canary']);

const strategyFields = {
  name: strategyName.describe('auto, recreate, rolling, blue-green or canary.'),
  because: reason.optional().describe("Why the planner's own choice is overridden; required beside every name but auto."),
  ...rollingFields,
  ...canaryFields,
};

type StrategyFields = z.output<ReturnType<typeof section<typeof strategyFields>>>;

/** A name, or `{ name, because }`. */
export const strategy = z
  .union([strategyName, section(strategyFields)])
  .transform((given, context): StrategyDefinition => {
    const fields: StrategyFields = typeof given === 'string' ? { name: given } : given;
    const because = fields.because ?? null;
    if (fields.name !== 'auto' && because === null)
      context.addIssue({ code: 'custom', path: typeof given === 'string' ? [] : ['name'], message: `overrides the planner, which needs a reason: { name: ${fields.name}, because: "..." }` });
    const [canary, rolling] = [toCanary(fields, context), toRolling(fields, context)];
    const chosen = { name: fields.name, because };
    // An environment may choose another strategy and leave the settings of one where they are.
    const says = (name: typeof fields.name, keys: readonly (keyof StrategyFields)[]): boolean =>
      fields.name === name || (fields.name === 'auto' && keys.some((key) => fields[key] !== undefined));
    return { ...chosen, ...(says('canary', CANARY_KEYS) ? { canary } : {}), ...(says('rolling', ROLLING_KEYS) ? { rolling } : {}) };
  });

export const rollbackFields = {
  automatic: z.boolean().optional().describe('Undo a failed release without asking (default true).'),
  because: reason.optional().describe('Why automatic rollback is off.'),
  within: positiveDuration.optional().describe('Time a rollback should take at most (default 2m).'),
  warm: duration.optional().describe('How long the old version stays warm after the window; 0s stops it at once (default 30m).'),
};

export const rollback = section(rollbackFields).transform((given, context): RollbackDefinition => {
  const automatic = given.automatic ?? true;
  const because = given.because ?? null;
  if (!automatic && because === null) context.addIssue({ code: 'custom', path: ['automatic'], message: 'switching automatic rollback off needs a reason: add `because: "..."`' });
  return { automatic, because: automatic ? null : because, targetMs: given.within ?? 120_000, warmMs: given.warm ?? 1_800_000 };
});

export const ROLLBACK_BY_DEFAULT: RollbackDefinition = { automatic: true, because: null, targetMs: 120_000, warmMs: 1_800_000 };
