import type { Duration, Instant } from '../../../kernel/pure.ts';
import type { NewRampEvent } from './events.ts';
import { actorOf, type RampOutcome, type RampStep } from './ramp.ts';
import type { RampState } from './state.ts';
import { stepText } from './steps.ts';

/** The flag as it is now, and who made it so; null when it is gone. */
export interface RampFacts {
  readonly flag: { readonly revision: number; readonly enabled: boolean; readonly by: string; readonly action: string } | null;
}

/** What the driver does next. `set` and `kill` change the flag, `look` asks the gate, `record` writes a decision. */
export type RampAction =
  | { readonly do: 'record'; readonly event: NewRampEvent }
  | { readonly do: 'set'; readonly index: number; readonly revision: number }
  | { readonly do: 'kill'; readonly reason: string }
  | { readonly do: 'look' }
  | { readonly do: 'wait'; readonly until: Instant }
  | { readonly do: 'over' };

/** At least so often is looked whether somebody else changed the flag. */
const LONGEST_REST_MS: Duration = 30_000;

/**
 * The life of a ramp: the next action for a state, or waiting. Pure and total.
 *
 * Order of questions: over? flag gone? turning it off? turned off or changed by somebody else? cancelled? failed? going back?
 * a change under way? paused? time for the next step? `now` is never earlier than the newest event, so a clock that jumps back
 * cannot make a step longer or shorter than it was seen to be.
 */
export function nextRamp(state: RampState, { flag }: RampFacts, clock: Instant): RampAction {
  const now = Math.max(clock, state.lastAt);
  if (state.ended !== null) return { do: 'over' };
  if (flag === null) return end('gone', 'the flag was deleted');
  if (state.reversing !== null) return flag.enabled ? { do: 'kill', reason: state.reversing } : end('reversed', state.reversing);
  return disturbed(state, flag) ?? asked(state, flag) ?? underWay(state, flag, now);
}

type Seen = NonNullable<RampFacts['flag']>;

/** Somebody else turned the flag off, or changed it; null when nobody did. */
function disturbed(state: RampState, flag: Seen): RampAction | null {
  const { open, paused, adopt, backTo } = state;
  if (flag.revision === (open?.revision ?? state.revision) || isOwn(state, flag)) return null;
  if (isKilled(state, flag)) return end('killed', `${flag.by} turned the flag off`);
  // Seen before, or let go on by a person who knows: the step is set anew from what is there.
  if (adopt || backTo !== null || paused?.revision === flag.revision) return null;
  const reason = `${flag.by} changed the flag (revision ${flag.revision})`;
  return record({ type: 'ramp.paused', data: { reason, revision: flag.revision } });
}

/** Off where the ramp had it on; or the kill switch, whatever it found. */
function isKilled({ set, plan }: RampState, { enabled, action }: Seen): boolean {
  const had = set !== null && plan.steps[set.index]?.kind !== 'off';
  return !enabled && (had || action === 'kill' || action === 'release');
}

/** The change that was begun, made by whoever began it: nobody else writes as this ramp, and never from an older revision. */
function isOwn({ open, plan }: RampState, flag: Seen): boolean {
  return open !== null && flag.revision > open.revision && flag.by === actorOf(plan.ramp);
}

/** What people or the gate want, in the order in which it matters. */
function asked(state: RampState, flag: Seen): RampAction | null {
  const { cancelled, look, backTo, open } = state;
  if (look?.verdict === 'fail') return record({ type: 'reverse.begun', data: { reason: look.reason } });
  if (cancelled !== null) return end('cancelled', `${cancelled}; the flag stays as it is`);
  if (backTo !== null) return begin(backTo.index, flag, backTo.why);
  if (open === null) return null;
  if (isOwn(state, flag)) return record({ type: 'step.set', data: { index: open.index, revision: flag.revision, changed: true } });
  return { do: 'set', index: open.index, revision: open.revision };
}

function underWay(state: RampState, flag: Seen, now: Instant): RampAction {
  const { plan, set, paused, adopt } = state;
  // The flag is in other hands, so what happens is not what the ramp did.
  if (typeof paused?.revision === 'number') return rest(now);
  if (adopt) return begin(set?.index ?? 0, flag, 'set anew after the flag was changed');
  if (set === null) return paused === null ? begin(0, flag, plan.reason) : rest(now);
  return atStep(state, flag, { index: set.index, since: set.at, now });
}

interface Place {
  readonly index: number;
  readonly since: Instant;
  readonly now: Instant;
}

function atStep(state: RampState, flag: Seen, { index, since, now }: Place): RampAction {
  const step = stepOf(state, index);
  const heldUntil = since + step.forMs;
  if (state.paused === null && mayGoOn(state, index, heldUntil, now)) return goOn(state, flag, index);
  // Nobody has anything that could be judged.
  if (step.kind === 'off')
    return { do: 'wait', until: heldUntil > now ? Math.min(now + LONGEST_REST_MS, heldUntil) : now + LONGEST_REST_MS };
  const due = lookDueAt(state, heldUntil, now);
  return due <= now ? { do: 'look' } : { do: 'wait', until: Math.min(due, now + LONGEST_REST_MS) };
}

function stepOf({ plan }: RampState, index: number): RampStep {
  const step = plan.steps[index];
  if (step === undefined) throw new Error(`Ramp ${plan.ramp} has no step ${index}`);
  return step;
}

/** Its time is over and the gate said `pass` since, or a person said so; `off` gives nobody anything that could be judged. */
function mayGoOn({ plan, look, promoted }: RampState, index: number, heldUntil: Instant, now: Instant): boolean {
  if (promoted?.index === index) return true;
  if (now < heldUntil) return false;
  return plan.steps[index]?.kind === 'off' || (look !== null && look.verdict === 'pass' && look.at >= heldUntil);
}

function goOn({ plan, promoted, look }: RampState, flag: Seen, index: number): RampAction {
  const why = promoted?.index === index ? promoted.why : (look?.reason ?? plan.reason);
  return index + 1 < plan.steps.length ? begin(index + 1, flag, why) : end('completed', why);
}

/** A young step is looked at often, an old one every half minute; at the end of its time once more. */
function lookDueAt({ plan, set, look }: RampState, heldUntil: Instant, now: Instant): Instant {
  if (look === null || set === null) return now;
  const usual = look.at + lookEvery(plan.everyMs, look.at - set.at);
  return look.at < heldUntil ? Math.min(usual, heldUntil) : usual;
}

/** Time between two looks at a step of this age. */
function lookEvery(everyMs: Duration, ageMs: Duration): Duration {
  return Math.max(everyMs, Math.min(LONGEST_REST_MS, ageMs / 60));
}

function begin(index: number, { revision }: Seen, why: string): RampAction {
  return record({ type: 'step.begun', data: { index, revision, why } });
}

function rest(now: Instant): RampAction {
  return { do: 'wait', until: now + LONGEST_REST_MS };
}

function end(outcome: RampOutcome, reason: string): RampAction {
  return record({ type: 'ramp.ended', data: { outcome, reason } });
}

function record(event: NewRampEvent): RampAction {
  return { do: 'record', event };
}

/** What a person is told of what comes next: which step, from when on, and what it waits for. */
export interface RampOutlook {
  readonly step: string | null;
  readonly at: Instant | null;
  readonly gate: string;
}

/** The next step of a ramp that is under way; null when nothing comes any more. */
export function outlookOf(state: RampState): RampOutlook | null {
  const { plan, set, look, paused } = state;
  if (state.ended !== null) return null;
  const index = state.open?.index ?? (set === null ? 0 : set.index + 1);
  const next = plan.steps[index];
  const now = set === null ? undefined : plan.steps[set.index];
  const gate = gateText(look, paused?.reason ?? null);
  const at = set === null || now === undefined || paused !== null ? null : set.at + now.forMs;
  return { step: next === undefined ? null : stepText(next), at, gate };
}

function gateText(look: RampState['look'], paused: string | null): string {
  if (paused !== null) return `paused: ${paused}`;
  return look === null ? 'unknown: its sources have not been asked yet' : `${look.verdict}: ${look.reason}`;
}
