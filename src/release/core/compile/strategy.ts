import type { Definition } from '../definition.ts';
import type { PreviousVersion, StrategyName } from '../plan.ts';
import type { PlanInput, PendingMigration } from './input.ts';
import type { Plan } from '../plan.ts';
import { timeOfCanary } from './canary-time.ts';
import { sizeOf } from './rolling-size.ts';

/** Classes after which the old version cannot run beside the new one. */
const EXCLUSIVE: ReadonlySet<PendingMigration['rollbackClass']> = new Set(['reversible', 'restore', 'forward-fix']);

/** From so many requests a minute on, a few percent of the users say within minutes whether a version is bad. */
const BUSY_PER_MINUTE = 600;

/** From so many instances on, a second set of them for half an hour is not worth the quicker way back. */
const MANY_INSTANCES = 4;

/** The pending migration that decides how the release may be undone: the worst of them; null when there is none. */
export function decidingMigration(migrations: readonly PendingMigration[]): PendingMigration | null {
  const order = ['app', 'reversible', 'restore', 'forward-fix'] as const;
  return migrations.toSorted((a, b) => order.indexOf(b.rollbackClass) - order.indexOf(a.rollbackClass))[0] ?? null;
}

/**
 * Chooses the strategy from the facts of the change (R-STRAT 2, docs/decisions/0015) and says why.
 * Old and new run side by side in all but `recreate`, so a migration the old version cannot live with forces that.
 */
export function chooseStrategy(input: PlanInput): Plan['strategy'] {
  const chosen = withTime(choose(input), input);
  if (input.migrations !== null) return chosen;
  return { ...chosen, because: `${chosen.because}; but pending migrations, which decide it, are not known` };
}

/** A canary is no advice without how long it is going to take. */
function withTime(chosen: Plan['strategy'], { definition, perMinute = null }: PlanInput): Plan['strategy'] {
  const time =
    [chosen.name, chosen.recommended].includes('canary') && definition.listen !== null
      ? timeOfCanary(definition.strategy.canary, perMinute)
      : null;
  return time === null ? chosen : { ...chosen, because: `${chosen.because}. As a canary: ${time}` };
}

interface Advice {
  readonly name: StrategyName;
  readonly why: string;
}

function choose(input: PlanInput): Plan['strategy'] {
  const { name, because } = input.definition.strategy;
  const exclusive = exclusiveReason(input);
  const advice = exclusive === null ? recommend(input) : { name: 'recreate' as const, why: exclusive };
  if (name === 'auto') return byItself(input, advice);
  if (name === advice.name) return { name, recommended: name, because: because ?? advice.why };
  const { name: instead, why } = exclusive === null ? atOnce(input) : advice;
  if (exclusive !== null) return { name: instead, recommended: instead, because: `${name} was asked for, but ${why}` };
  const alone = aloneReason(input, name);
  if (alone !== null) return { name: instead, recommended: instead, because: `${name} was asked for, but ${alone}` };
  return {
    name,
    recommended: advice.name,
    because: because ?? `set in slipway.yaml; the planner recommends ${advice.name}: ${advice.why}`,
  };
}

/** Nobody is put on a schedule of hours who did not write one. */
function byItself(input: PlanInput, advice: Advice): Plan['strategy'] {
  const { canary } = input.definition.strategy;
  if (advice.name === 'canary' && canary === undefined) {
    const { name, why } = atOnce(input);
    return {
      name,
      recommended: 'canary',
      because: `${why}. A canary is recommended: ${advice.why}; say how in \`strategy\`, docs/configuration.md`,
    };
  }
  const quiet =
    canary !== undefined && advice.name !== 'canary' ? `; the canary of slipway.yaml is for when it is busy: ${trafficOf(input)}` : '';
  return { name: advice.name, recommended: advice.name, because: `${advice.why}${quiet}` };
}

function trafficOf({ perMinute = null }: PlanInput): string {
  return perMinute === null ? 'its traffic is not known' : `fewer than ${BUSY_PER_MINUTE} requests a minute reach it`;
}

function exclusiveReason({ migrations }: PlanInput): string | null {
  const deciding = decidingMigration(migrations ?? []);
  if (deciding === null || !EXCLUSIVE.has(deciding.rollbackClass)) return null;
  return `${deciding.name} is not known to suit the old version (${deciding.because}), so old and new must not run side by side`;
}

function recommend(input: PlanInput): Advice {
  const { perMinute = null } = input;
  if (perMinute === null || perMinute < BUSY_PER_MINUTE || aloneReason(input, 'canary') !== null) return atOnce(input);
  return {
    name: 'canary',
    why: `${BUSY_PER_MINUTE} or more requests a minute reach it, so a few percent of the users show soon whether the new version is bad`,
  };
}

/** The best of those that bring everybody to the new version within minutes. */
function atOnce(input: PlanInput): Advice {
  const { definition, migrations } = input;
  if (definition.listen === null) return { name: 'recreate', why: 'the service takes no traffic, so there is nothing to switch' };
  if ((migrations ?? []).length > 0)
    return {
      name: 'blue-green',
      why: 'the schema changes first; old and new can both live with it, so users switch at once and can be switched back at once',
    };
  const instances = sizeOf(definition);
  if (instances >= MANY_INSTANCES && aloneReason(input, 'rolling') === null)
    return { name: 'rolling', why: `${instances} instances are replaced one after the other, so no second set of them is needed` };
  return { name: 'blue-green', why: 'old and new can run side by side, so users switch at once and can be switched back at once' };
}

/** Why it cannot be done in steps from one version to the other; null when it can, or is not done so. */
function aloneReason({ previous, definition, target }: PlanInput, name: StrategyName): string | null {
  if (name !== 'canary' && name !== 'rolling') return null;
  const workers = name === 'canary' && definition.listen === null ? workersAloneReason(definition) : null;
  if (workers !== null) return workers;
  if (target !== null) return `going back to ${target.version} is not done in steps`;
  if (previous === null) return 'this is the first release here, so there is no version before it';
  return addressReason(definition, previous);
}

function addressReason({ listen }: Definition, previous: PreviousVersion): string | null {
  const before = previous.definition.listen;
  if ((before === null) !== (listen === null)) return `only one of it and ${previous.version} takes traffic`;
  if (before !== null && (before.host !== listen?.host || before.port !== listen.port))
    return 'the address users reach changes, which cannot be done for some of them';
  return null;
}

/** Of a service without traffic the work is split, by instances; and nothing of it is counted but what it declares. */
function workersAloneReason({ processes, metrics = [], strategy }: Definition): string | null {
  if (!processes.some(({ instances }) => instances > 1))
    return 'the service takes no traffic and no process of it has several instances, so there is nothing to split';
  if (metrics.length === 0) return 'the service takes no traffic and declares no `metrics` of its work, so nothing could be judged';
  const { kind = 'sequential' } = strategy.canary?.policy ?? {};
  return kind === 'sequential' ? null : `the service takes no traffic, and the judge ${kind} wants what a router counts`;
}
