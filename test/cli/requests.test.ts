import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { delayNote, eventOf, lossNote, refusalOf, type Wish } from '../../src/cli/commands/shared/requests.ts';
import { foldEvents, next, type NewEvent, type ReleaseEvent, type ReleaseState } from '../../src/release/index.ts';
import { simulate, type Twist } from '../release/simulate.ts';
import { needingApproval } from './support.ts';
import { aMigration, aPlan } from '../support/plan.ts';

const NOW = 10_000_000;
const events = simulate(aPlan(), []).events;

/** The state after a number of events of a release, and after what a person asked then. */
function stateAt(size: number, ...asked: readonly NewEvent[]): ReleaseState {
  const more = asked.map((event, index): ReleaseEvent => Object.assign({}, event, { seq: size + index, time: NOW, actor: 'bob' }));
  return foldEvents([...events.slice(0, size), ...more]);
}

const wish = (what: 'pause' | 'resume' | 'abort' | 'approve' | 'reject' | 'accept'): Wish => ({ do: what, reason: 'why' });
const rollback = (acceptDataLoss = false): Wish => ({ do: 'rollback', reason: 'why', acceptDataLoss });
const refused = (what: Wish, state: ReleaseState, actor = 'bob'): string | null => refusalOf(what, state, actor, NOW);
const stuck: NewEvent = { type: 'release.stuck', data: { step: null, reason: 'no way' } };
const back: NewEvent = { type: 'rollback.started', data: { cause: 'x', steps: [], skipped: [] } };

describe('what may be asked of a release', () => {
  const running = stateAt(6);

  it('under way: pause, abort and rollback; nothing to resume, accept or approve', () => {
    for (const what of [wish('pause'), wish('abort'), rollback()]) expect(refused(what, running)).toBeNull();
    expect(refused(wish('resume'), running)).toContain('neither paused nor stuck');
    expect(refused(wish('accept'), running)).toContain('not stuck');
    expect(refused(wish('approve'), running)).toContain('needs no approval');
  });

  it('ended: nothing', () => {
    for (const what of [wish('pause'), wish('resume'), wish('abort'), wish('accept'), wish('approve'), wish('reject'), rollback(true)])
      expect(refused(what, foldEvents(events))).toContain('has ended (released)');
  });

  it('paused: resume, not pause again', () => {
    const paused = stateAt(6, eventOf(wish('pause'), running));
    expect(refused(wish('resume'), paused)).toBeNull();
    expect(refused(wish('pause'), paused)).toContain('already');
  });

  it('paused: promote is recorded, and said to wait for resume', () => {
    const promote: Wish = { do: 'promote', reason: 'why', full: true };
    expect(delayNote(promote, running)).toBeNull();
    const paused = stateAt(6, eventOf(wish('pause'), running));
    expect(delayNote(promote, paused)).toContain('nothing happens until `slipway resume');
    expect(delayNote(wish('resume'), paused)).toBeNull();
  });

  it('stuck: resume, accept, and abort or rollback where going back loses nothing', () => {
    const state = stateAt(6, stuck);
    for (const what of [wish('resume'), wish('accept'), wish('abort'), rollback()]) expect(refused(what, state)).toBeNull();
    expect(refused(wish('pause'), state)).toContain('stuck');
  });

  it('going back: none but to wait; stuck on the way back: resume', () => {
    const state = stateAt(6, back);
    for (const what of [wish('pause'), wish('abort'), rollback()]) expect(refused(what, state)).toContain('going back');
    const both = stateAt(6, back, stuck);
    expect(refused(rollback(), both)).toContain('slipway resume');
    expect(refused(wish('resume'), both)).toBeNull();
  });

  it('before it holds the lock it can be aborted, not rolled back', () => {
    const queued = stateAt(1);
    expect(refused(wish('abort'), queued)).toBeNull();
    expect(refused(rollback(), queued)).toContain('slipway abort');
  });

  it('past the point of no return a rollback names what it would lose', () => {
    const plan = aPlan({ migrations: [aMigration('restore')] });
    expect(plan.rollback.pointOfNoReturn).not.toBeNull();
    const run = simulate(plan, []);
    const passed = run.events.findIndex((event) => event.type === 'step.intended' && event.data.step === plan.rollback.pointOfNoReturn);
    const state = foldEvents(run.events.slice(0, passed + 1));
    expect(refused(rollback(), state)).toContain('--accept-data-loss');
    expect(refused(rollback(true), state)).toBeNull();
    expect(lossNote(rollback(true), state)).toContain('ids that users were given since');
    expect([lossNote(rollback(), state), lossNote(rollback(true), foldEvents(run.events.slice(0, passed)))]).toEqual([null, null]);
    expect(refused(rollback(), foldEvents(run.events.slice(0, passed)))).toBeNull();
    // An abort would do nothing there, so it says what would.
    const past = foldEvents([...run.events.slice(0, passed + 1), { ...stuck, seq: passed + 1, time: NOW, actor: 'worker' }]);
    expect(refused(wish('abort'), past)).toContain('--accept');
    expect(refused(rollback(), past)).toContain('repair forward: `slipway abort 01new --accept REASON`');
  });

  it('a switch that was refused is no point of no return', () => {
    const plan = aPlan({ migrations: [aMigration('restore')] });
    const clean = simulate(plan, []);
    const at = clean.actions.findIndex(({ action }) => action.do === 'run' && action.step.id === plan.rollback.pointOfNoReturn);
    const twisted = simulate(plan, [
      ...Array.from({ length: at }, () => null),
      { kind: 'outcome', verdict: 'fail', retry: false, half: false },
    ]);
    const failed = twisted.events.findIndex((event) => event.type === 'step.finished' && event.data.verdict === 'fail');
    const state = foldEvents([...twisted.events.slice(0, failed + 1), { ...stuck, seq: failed + 1, time: NOW, actor: 'worker' }]);
    for (const what of [wish('abort'), rollback()]) expect(refused(what, state)).toBeNull();
  });

  it('approval is for others, once, and before what it is for', () => {
    const plan = needingApproval(2);
    const waiting = simulate(plan, []);
    expect(waiting.restedOn).toMatchObject({ do: 'wait', for: 'approval' });
    const { state } = waiting;
    expect(refused(wish('approve'), state, 'bob')).toBeNull();
    expect(refused(wish('approve'), state, plan.requestedBy)).toContain('somebody else');
    expect(refused(wish('reject'), state, plan.requestedBy)).toContain('slipway abort');
    const once = foldEvents([
      ...waiting.events,
      { ...eventOf(wish('approve'), state), seq: waiting.events.length, time: NOW, actor: 'bob' },
    ]);
    expect(refused(wish('approve'), once, 'bob')).toContain('already');
    expect(refused(wish('reject'), once, 'bob')).toBeNull();
  });

  it('whatever is not refused makes a difference to what happens next', () => {
    const twist = fc.option(
      fc.record({
        kind: fc.constant('outcome' as const),
        verdict: fc.constantFrom('fail' as const, 'unknown' as const),
        retry: fc.boolean(),
        half: fc.boolean(),
      }),
      { nil: null, freq: 6 },
    );
    const wishes = fc.constantFrom(wish('pause'), wish('resume'), wish('abort'), wish('accept'), rollback(), rollback(true));
    fc.assert(
      fc.property(fc.array(twist, { maxLength: 30 }), fc.nat(), wishes, (schedule: (Twist | null)[], cut, asked) => {
        const all = simulate(aPlan(), schedule).events;
        const before = all.slice(0, 1 + (cut % all.length));
        const state = foldEvents(before);
        if (refused(asked, state) !== null) return;
        const after = foldEvents([...before, { ...eventOf(asked, state), seq: before.length, time: NOW, actor: 'bob' }]);
        const idle = next(state, NOW).do === 'wait' && JSON.stringify(next(after, NOW)) === JSON.stringify(next(state, NOW));
        expect(idle, `${asked.do} changes nothing for a release that waits for a person`).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});
