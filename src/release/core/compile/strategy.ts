import type { PlanInput, PendingMigration } from './input.ts';
import type { Plan } from '../plan.ts';

/** Classes after which the old version cannot run beside the new one. */
const EXCLUSIVE: ReadonlySet<PendingMigration['rollbackClass']> = new Set(['reversible', 'restore', 'forward-fix']);

/** The pending migration that decides how the release may be undone: the worst of them; null when there is none. */
export function decidingMigration(migrations: readonly PendingMigration[]): PendingMigration | null {
  const order = ['app', 'reversible', 'restore', 'forward-fix'] as const;
  return migrations.toSorted((a, b) => order.indexOf(b.rollbackClass) - order.indexOf(a.rollbackClass))[0] ?? null;
}

/**
 * Chooses the strategy from the facts of the change (R-STRAT 2) and says why.
 * Old and new run side by side in blue-green, so a migration the old version cannot live with forces `recreate`.
 */
export function chooseStrategy(input: PlanInput): Plan['strategy'] {
  const chosen = choose(input);
  if (input.migrations !== null) return chosen;
  return { ...chosen, because: `${chosen.because}; but pending migrations, which decide it, are not known` };
}

function choose(input: PlanInput): Plan['strategy'] {
  const deciding = decidingMigration(input.migrations ?? []);
  const exclusive = deciding !== null && EXCLUSIVE.has(deciding.rollbackClass);
  const recommended = exclusive || input.definition.listen === null ? 'recreate' : 'blue-green';
  const why = whyRecommended(input, exclusive ? deciding : null);
  const { name, because } = input.definition.strategy;
  const alone = exclusive ? null : aloneReason(input);
  if (alone !== null) return { name: recommended, recommended, because: `canary was asked for, but ${alone}` };
  if (name === 'auto' || name === recommended) return { name: recommended, recommended, because: why };
  if (exclusive) return { name: recommended, recommended, because: `${name} was asked for, but ${why}` };
  return { name, recommended, because: because ?? `set in slipway.yaml; the planner recommends ${recommended}: ${why}` };
}

function whyRecommended({ definition }: PlanInput, exclusive: PendingMigration | null): string {
  if (exclusive !== null)
    return `${exclusive.name} is not known to suit the old version (${exclusive.because}), so old and new must not run side by side`;
  return definition.listen === null
    ? 'the service takes no traffic, so there is nothing to switch'
    : 'old and new can run side by side, so users switch at once and can be switched back at once';
}

/** Why there is nothing to compare a canary with, or no time to; null when there is. */
function aloneReason({ previous, definition, target }: PlanInput): string | null {
  if (definition.strategy.name !== 'canary') return null;
  if (definition.listen === null) return 'the service takes no traffic, so there is nothing to split';
  if (target !== null) return `going back to ${target.version} is not done in steps`;
  if (previous === null) return 'this is the first release here, so there is no version to compare with';
  const { listen } = previous.definition;
  if (listen !== null && (listen.host !== definition.listen.host || listen.port !== definition.listen.port))
    return 'the address users reach changes, which cannot be done for some of them';
  return listen === null ? `${previous.version} takes no traffic, so there is nothing to compare with` : null;
}
