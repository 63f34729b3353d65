import { awaitDelivery } from '../../flags/index.ts';
import { messageOf, SlipwayError, within, type Duration, type JsonObject } from '../../kernel/index.ts';
import { flagsToTurnOff, type FlagSnapshot } from '../core/carried-flags.ts';
import type { ReleaseEvent } from '../core/events.ts';
import { turnOff, type TurnedOff } from '../carried-flags/turn-off.ts';
import { mayPass } from '../may-pass.ts';
import type { StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { as } from './input.ts';

/** Traffic waits for this step, so neither a store that is away nor clients that do not answer hold it for long. */
const MOST_WRITING_MS: Duration = 10_000;
const MOST_WAITING_MS: Duration = 3_000;

/**
 * Turns the flags of the release off and waits a moment for the clients to say so. Each flag by itself: one that cannot be written
 * keeps no other one on. What was changed is recorded with before and after; what was not is told, and the way back goes on.
 */
export function flagsOffStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const { step, events } = context;
    const [flags, shared] = [as<readonly string[]>(step.input['flags']), as<readonly string[]>(step.input['shared'])];
    const wanted = flagsToTurnOff(flags, shared, snapshotIn(events));
    const done = await Promise.all(wanted.map((key) => tryOne(deps, context, key)));
    const kept = flags.filter((key) => !wanted.includes(key));
    return outcomeOf(context.plan.environment, done, kept, await hear(deps, context, done));
  };
}

/** What preflight saw; null where it did not look (an older build, or it was never reached). */
export function snapshotIn(events: readonly ReleaseEvent[]): FlagSnapshot | null {
  const told = events.flatMap((event) => (event.type === 'step.finished' && event.data.facts['flags'] !== undefined ? [event.data] : []));
  const first = told.find(({ stage }) => stage === 'preflight');
  return first === undefined ? null : as<FlagSnapshot>(first.facts['flags']);
}

type Tried = TurnedOff | { readonly key: string; readonly became: 'failed'; readonly why: string; readonly again: boolean };

async function tryOne({ flags }: StepDeps, { plan, key, effects: { clock }, signal }: StepContext, flag: string): Promise<Tried> {
  const late = new AbortController();
  const what = plan.kind === 'rollback' ? `${plan.service} goes back to ${plan.version}` : `${plan.service} ${plan.version} goes back`;
  const reason = `${what} (${key})`;
  const order = { environment: plan.environment, key: flag, actor: `release ${plan.release}`, reason };
  try {
    const turned = await within(turnOff(flags, order, AbortSignal.any([signal, late.signal])), MOST_WRITING_MS, clock);
    if (turned !== null) return turned;
    throw new SlipwayError('store_unreachable', `The flag was not written within ${MOST_WRITING_MS / 1_000} s`);
  } catch (error) {
    signal.throwIfAborted();
    return { key: flag, became: 'failed', why: messageOf(error), again: !(error instanceof SlipwayError) || mayPass(error) };
  } finally {
    // Nobody waits for it any more, so it begins no further write.
    late.abort();
  }
}

/** Nobody who evaluates the flag is waited for where nothing changed. */
async function hear({ telemetry }: StepDeps, { plan, effects, signal }: StepContext, done: readonly Tried[]): Promise<string> {
  const seq = Math.max(0, ...done.map((one) => (one.became === 'off' ? one.change.seq : 0)));
  if (seq === 0) return '';
  const parts = { telemetry, clock: effects.clock };
  const asking = awaitDelivery(parts, { environment: plan.environment, seq }, MOST_WAITING_MS, signal).catch(() => null);
  // Each look may wait for a store that is away, and that is not what traffic waits for.
  const delivery = await within(asking, 2 * MOST_WAITING_MS, effects.clock);
  if (delivery === null) return NOBODY_TELLS;
  const lost = delivery.ended.reduce((total, { clients }) => total + clients, 0);
  const told = `; ${delivery.acknowledged} of ${delivery.connected} connected clients say that they have it`;
  const unknown =
    lost === 0 ? '' : `; ${lost === 1 ? '1 client' : `${lost} clients`} of server processes that ended a moment ago may be without it`;
  return `${delivery.servers === 0 ? NOBODY_TELLS : told}${unknown}`;
}

const NOBODY_TELLS = '; which clients have it is not known: no `slipway serve` tells';

const TOLD: Readonly<Record<TurnedOff['became'], (key: string) => string>> = {
  off: (key) => `${key} is off now`,
  'was-off': (key) => `${key} was off`,
  gone: (key) => `${key} does not exist`,
};

function tell(one: Tried, environment: string): string {
  if (one.became !== 'failed') return TOLD[one.became](one.key);
  return `${one.key} could NOT be turned off (${one.why}): turn it off with \`slipway flag kill ${one.key} -e ${environment} --reason ...\``;
}

function outcomeOf(environment: string, done: readonly Tried[], kept: readonly string[], heard: string): StepOutcome {
  const left = kept.map((key) => `${key} stays on: it was before the release, and the old version carries it too`);
  const failed = done.filter((one) => one.became === 'failed');
  const changed = done.flatMap((one) =>
    one.became === 'off' ? [{ flag: one.key, seq: one.change.seq, before: one.before, after: one.after }] : [],
  );
  return {
    verdict: failed.length === 0 ? 'pass' : 'unknown',
    reason: `${[...done.map((one) => tell(one, environment)), ...left].join('; ')}${heard}`,
    retry: failed.some(({ again }) => again),
    facts: as<JsonObject>({ changed: changed.length > 0 || failed.length > 0, turnedOff: changed } as never),
  };
}
