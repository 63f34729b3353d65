import { messageOf, SlipwayError, type Duration, type Effects } from '../kernel/index.ts';
import { next, type Action } from './core/next.ts';
import { foldEvents } from './core/state.ts';
import type { Plan, StepKind } from './core/plan.ts';
import type { NewEvent } from './core/events.ts';
import { keepLease, type Lease } from './lease.ts';
import { mayPass } from './may-pass.ts';
import type { Claim, Driver, LeaseTerms, ReleaseStore, StepExecutor, StoredRelease } from './ports.ts';
import { runStep } from './run-step.ts';
import { stepLogFolder } from './step-log.ts';
import { stopSignal } from './stop-signal.ts';

/** Everything a driver needs; made once per worker. */
export interface DriverDeps {
  readonly store: ReleaseStore;
  readonly effects: Effects;
  readonly driver: Driver;
  readonly lease: LeaseTerms;
  /** Slipway's state directory. */
  readonly home: string;
  readonly executors: Readonly<Partial<Record<StepKind, StepExecutor>>>;
  /** Compiles a plan that waited for the lock again, for what serves now. @throws SlipwayError when it makes no sense any more */
  readonly replan: (plan: Plan) => Promise<Plan>;
  /** Writes the evidence pack of a finished release; returns its signed checkpoint. Idempotent. */
  readonly seal: (release: StoredRelease) => Promise<string>;
  /** Removes what a sealed release and earlier ones left lying about. Nobody waits for it; what it misses the next release removes. */
  readonly tidy: (release: StoredRelease) => Promise<void>;
}

/** What became of one drive: the release is over, rests until it is woken, or belongs to another driver. */
export type DriveResult = 'finished' | 'parked' | 'not-mine';

const NEVER = new AbortController().signal;

/**
 * Drives one release as far as it goes now: observe, decide, record the intent, act, record the outcome.
 * Safe to call at any time by any number of workers; the store lets one of them through.
 * @param stop hands the release over to another worker after the step that runs
 */
export async function drive(deps: DriverDeps, release: string, stop: AbortSignal = NEVER): Promise<DriveResult> {
  const { clock, faults } = deps.effects;
  const since = clock.monotonic();
  const claim = await deps.store.claim(release, deps.driver);
  if (claim === null) return 'not-mine';
  faults.at('driver.claimed');
  const lease = keepLease(claim, deps.lease, { clock, renew: deps.store.renew, since });
  try {
    for (let stored: StoredRelease | undefined; ;) {
      lease.check();
      stored = await deps.store.load(release, stored);
      const result = stop.aborted ? await handOver(deps, claim, stored) : await turn(deps, { claim, lease, leaving: stop }, stored);
      if (result !== null) return result;
    }
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'fenced') return 'not-mine';
    throw error;
  } finally {
    await lease.stop();
  }
}

/** One turn of the loop; null to go on. */
async function turn(deps: DriverDeps, hold: Hold, stored: StoredRelease): Promise<DriveResult | null> {
  const { store, effects } = deps;
  const { claim } = hold;
  const state = foldEvents(stored.events);
  const action = next(state, effects.clock.now());
  effects.faults.at(`driver.decided.${action.do}`);
  switch (action.do) {
    case 'lock': {
      if ((await store.acquireLock(claim)).acquired) return null;
      // The owner's last event hands the lock over and wakes this release; until then waiting costs nothing.
      const { events } = await store.load(stored.summary.release, stored);
      return next(foldEvents(events), effects.clock.now()).do === 'lock' ? park(store, claim, events.length, null) : null;
    }
    case 'plan':
      await store.append(claim, [await planAgain(deps, state.plan)], stored.events.length);
      return null;
    case 'record':
      await store.append(claim, [action.event], stored.events.length);
      return null;
    case 'wait':
      return park(store, claim, stored.events.length, action.until);
    case 'seal':
      // From the store anew: a pack proves what is stored, not what this process remembers.
      return stored.summary.sealed ? 'finished' : sealOrPostpone(deps, claim, await store.load(stored.summary.release));
    case 'run':
      await runOne(deps, hold, stored, action);
      return null;
  }
}

/** What cannot be planned now because a peer is away is tried again by a later drive; other refusals are an answer. */
async function planAgain({ replan }: DriverDeps, before: Plan): Promise<NewEvent> {
  try {
    const plan = await replan(before);
    const what = plan.previous === null ? 'nothing serves yet' : `${plan.previous.version} serves now`;
    return { type: 'release.planned', data: { plan, reason: what } };
  } catch (error) {
    if (!(error instanceof SlipwayError) || mayPass(error)) throw error;
    const serves = error.code === 'already_serving' ? { alreadyServes: true as const } : {};
    return { type: 'release.planned', data: { plan: null, reason: error.message, ...serves } };
  }
}

/** Gives the release back, due at once, for whoever works on. */
function handOver({ store, effects }: DriverDeps, claim: Claim, stored: StoredRelease): Promise<DriveResult | null> {
  return park(store, claim, stored.events.length, effects.clock.now());
}

async function park(store: ReleaseStore, claim: Claim, size: number, until: number | null): Promise<DriveResult | null> {
  return (await store.park(claim, size, until)) === 'parked' ? 'parked' : null;
}

/** How soon a pack that could not be written is tried again: a disk or a right has to be repaired by somebody. */
const SEAL_AGAIN_MS: Duration = 10_000;

/** The release is over whether or not its pack can be written; why it cannot is for people to see, and it is tried again. */
async function sealOrPostpone({ store, effects, seal, tidy }: DriverDeps, claim: Claim, stored: StoredRelease): Promise<DriveResult> {
  const made = await seal(stored).catch((error: unknown) => ({ error }));
  if (typeof made === 'string') {
    await store.seal(claim, made);
    // It costs disk, not correctness: the release is over either way.
    await tidy(stored).catch((error: unknown) =>
      effects.log('warn', 'not everything could be tidied', { release: claim.release, error: messageOf(error) }),
    );
    return 'finished';
  }
  const { release } = claim;
  const reason = effects.redact(messageOf(made.error));
  effects.log('error', 'the evidence could not be sealed; it will be tried again', { release, error: reason });
  await store.postponeSeal(claim, reason, effects.clock.now() + SEAL_AGAIN_MS);
  return 'parked';
}

/** The right to drive, and the clock that says how long. */
interface Hold {
  readonly claim: Claim;
  readonly lease: Lease;
  /** Aborted when the worker ends. */
  readonly leaving: AbortSignal;
}

async function runOne(
  deps: DriverDeps,
  { claim, lease, leaving }: Hold,
  stored: StoredRelease,
  action: Extract<Action, { do: 'run' }>,
): Promise<void> {
  const { store, effects } = deps;
  const { step, attempt, key } = action;
  const intent = { type: 'step.intended', data: { step: step.id, stage: step.stage, attempt, key } } as const;
  // Decided on this ledger; if a person's request came in between, decide again.
  if ((await store.append(claim, [intent], stored.events.length)) === 'changed') return;
  effects.faults.at(`${step.kind}.intended`);
  const now = await store.load(claim.release, stored);
  const { events } = now;
  const state = foldEvents(events);
  // From the intent on: a request that came while we were loading counts too.
  const stop = stopSignal({ store, clock: effects.clock, stored: now, before: stored.events.length }, state.undo !== null);
  try {
    lease.check();
    const signal = AbortSignal.any([lease.signal, stop.signal]);
    const asked = AbortSignal.any([stop.asked, leaving]);
    const one = { plan: state.plan, step, attempt, key, fence: claim.fence, events, signal, asked };
    const outcome = await runStep(one, deps.executors[step.kind], fencedEffects(effects, lease), stepLogFolder(deps.home, claim.release));
    effects.faults.at(`${step.kind}.acted`);
    lease.check();
    await store.append(claim, [outcome]);
    effects.faults.at(`${step.kind}.recorded`);
  } finally {
    stop.end();
  }
}

/** A command knows no fence, so one is only started while the lease is known to run. */
function fencedEffects(effects: Effects, lease: Lease): Effects {
  return {
    ...effects,
    exec: async (request) => {
      lease.check();
      return effects.exec(request);
    },
  };
}
