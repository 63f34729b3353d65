import { SlipwayError, type Duration } from '../../kernel/index.ts';
import { BACK_FIRST_MS, isBack, notBackReason, standingOfAll, type Need, type SetMember } from '../core/set.ts';
import { foldEvents, type ReleaseState } from '../core/state.ts';
import type { StepContext, StepExecutor, StoredRelease } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { as } from './input.ts';

/** A look that lasts gives its worker to another release after this long: the one it waits for may need it. */
const LOOK_MS: Duration = 20_000;
const EVERY_MS: Duration = 250;

/** Waits until other members of the set are as far as their ledgers must say; fails when one of them goes back. */
export function companionsStep(deps: Pick<StepDeps, 'store'>): StepExecutor {
  return async ({ step, effects: { clock }, signal, asked }) => {
    const needs = as<readonly Need[]>(step.input['needs']);
    const look = watchOf(deps, needs);
    const from = clock.monotonic();
    for (;;) {
      const { verdict, reason } = standingOfAll(needs, await look());
      if (verdict !== 'unknown' || asked.aborted || clock.monotonic() - from >= LOOK_MS)
        return { verdict, reason, retry: verdict === 'unknown', facts: { changed: false } };
      signal.throwIfAborted();
      await clock.sleep(EVERY_MS, AbortSignal.any([signal, asked]));
    }
  };
}

/**
 * Asks the other members to go back, and waits a while for those that must be back first. It passes all the same when they are not:
 * no service keeps its users on a bad version because another one is in trouble.
 */
export function recallStep(deps: Pick<StepDeps, 'store'>): StepExecutor {
  return async (context) => {
    const { step, signal, note, effects } = context;
    const said = await ask(deps, context, as<readonly SetMember[]>(step.input['others']));
    note(said);
    const first = as<readonly SetMember[]>(step.input['first']);
    const look = watchOf(deps, first);
    const from = effects.clock.monotonic();
    for (;;) {
      const states = await look();
      const away = first.filter((_, index) => !isBack(states[index] ?? null));
      if (away.length === 0) return { verdict: 'pass', reason: said, facts: { changed: false } };
      if (effects.clock.monotonic() - from >= BACK_FIRST_MS)
        return { verdict: 'pass', reason: `${said}; ${notBackReason(away)}`, facts: { changed: false } };
      signal.throwIfAborted();
      await effects.clock.sleep(EVERY_MS, signal);
    }
  };
}

/** Says who was asked. One that is final stays: only a person who aborted the last of a set comes here after that. */
async function ask({ store }: Pick<StepDeps, 'store'>, { plan }: StepContext, others: readonly SetMember[]): Promise<string> {
  const states = await statesOf({ store }, others);
  const reason = `${plan.service} ${plan.version}, released together with it, is going back (${plan.release})`;
  const asked = others.filter((_, index) => mayBeAsked(states[index] ?? null));
  for (const { release } of asked)
    await store.request(release, `release ${plan.release}`, { type: 'rollback.requested', data: { reason, acceptDataLoss: false } });
  const stay = others.filter((_, index) => states[index]?.outcome === 'released').map(({ service }) => service);
  const told = asked.length === 0 ? 'nobody had to be asked' : `asked ${asked.map(({ service }) => service).join(', ')} to go back`;
  return stay.length === 0 ? told : `${told}; ${stay.join(', ')} had been released already and stays`;
}

function mayBeAsked(state: ReleaseState | null): boolean {
  return state !== null && state.outcome === null && state.undo === null && state.rollbackRequest === null && state.abort === null;
}

/** Their ledgers as they are now; null for a member nobody has submitted. */
export function statesOf(deps: Pick<StepDeps, 'store'>, members: readonly SetMember[]): Promise<readonly (ReleaseState | null)[]> {
  return watchOf(deps, members)();
}

/** The same for whoever looks again and again: only what came since is read, and folded only where something came. */
function watchOf({ store }: Pick<StepDeps, 'store'>, members: readonly SetMember[]): () => Promise<readonly (ReleaseState | null)[]> {
  const known = new Map<string, { readonly stored: StoredRelease; readonly state: ReleaseState }>();
  const look = async ({ release }: SetMember): Promise<ReleaseState | null> => {
    const before = known.get(release);
    try {
      const stored = await store.load(release, before?.stored);
      const grown = before === undefined || stored.events.length > before.stored.events.length;
      const state = grown ? foldEvents(stored.events) : before.state;
      known.set(release, { stored, state });
      return state;
    } catch (error) {
      if (error instanceof SlipwayError && error.code === 'not_found') return null;
      throw error;
    }
  };
  return () => Promise.all(members.map(look));
}
