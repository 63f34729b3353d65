import { describe, expect, it } from 'vitest';
import { simulate } from '../../../test/release/simulate.ts';
import { aPlan, aPlanInput } from '../../../test/support/plan.ts';
import type { NewEvent } from './events.ts';
import type { Plan } from './plan.ts';
import { rollbackTimeOf } from './rollback-time.ts';
import { foldEvents, type ReleaseState } from './state.ts';

const MINUTE = 60_000;

/** A release of its own that puts 0.9.0 back. */
function aRollback(targetMs: number): Plan {
  const { previous } = aPlanInput();
  const plan = aPlan({ kind: 'rollback', target: { ...previous!, version: '0.9.0', release: '01older' }, version: '0.9.0' });
  return { ...plan, rollback: { ...plan.rollback, targetMs } };
}

function told(plan: Plan, ...events: readonly (readonly [at: number, event: NewEvent])[]): ReleaseState {
  const all = [[0, { type: 'release.requested', data: { plan, wait: false, previousLedger: null } }] as const, ...events];
  return foldEvents(all.map(([time, event], seq) => ({ ...event, seq, time, actor: 'ann' })));
}

const began: NewEvent = { type: 'rollback.started', data: { cause: 'x', steps: [], skipped: [] } };
const ordered = (acceptDataLoss = false): NewEvent => ({ type: 'rollback.requested', data: { reason: '', acceptDataLoss } });
const stuck: NewEvent = { type: 'release.stuck', data: { step: null, reason: 'data would be lost' } };

describe('the time of a rollback that is a release of its own', () => {
  it('ends when users have the old version, not when the window that follows is over', () => {
    const { events, state } = simulate(aRollback(MINUTE), []);
    const last = events.at(-1)!;
    expect(state.outcome).toBe('released');
    const switched = events.find(({ type, data }) => type === 'step.finished' && data.step === 'deploy.switch');
    expect(state.rollbackTime).toEqual({ tookMs: switched!.time - events[0]!.time, targetMs: MINUTE, verdict: 'pass' });
    expect(state.rollbackTime!.tookMs).toBeLessThan(last.time - events[0]!.time);
  });

  it('fails its gate when it misses the target, and says so', () => {
    const { events, state } = simulate(aRollback(1), []);
    expect(state.rollbackTime).toMatchObject({ targetMs: 1, verdict: 'fail' });
    expect(events.at(-1)).toMatchObject({
      data: { outcome: 'released', reason: expect.stringContaining('misses the target of 1ms') as string },
    });
  });

  it('begins when its turn comes, where another release was at work', () => {
    const moved = { step: 'deploy.switch', stage: 'deploy', attempt: 1, verdict: 'pass', reason: '', retry: false } as const;
    const state = told(
      aRollback(MINUTE),
      [1_000, { type: 'lock.waiting', data: { owner: '01other' } }],
      [5 * MINUTE, { type: 'lock.acquired', data: { key: 'shop/dev' } }],
      [5 * MINUTE + 1_000, { type: 'step.intended', data: { step: 'deploy.switch', stage: 'deploy', attempt: 1, key: 'x' } }],
      [5 * MINUTE + 3_000, { type: 'step.finished', data: { ...moved, startedAt: '', finishedAt: '', checks: [], facts: {}, log: null } }],
    );
    expect(rollbackTimeOf(state, 9 * MINUTE)).toEqual({ tookMs: 3_000, targetMs: MINUTE, verdict: 'pass' });
  });

  it('is none for a release that brings something new', () => {
    expect(simulate(aPlan(), []).state.rollbackTime).toBeNull();
  });
});

describe('the time of a rollback of a release in flight', () => {
  it('begins with the order, however long the step at work takes to stop, and with the first of two', () => {
    const state = told(aPlan(), [1_000, ordered()], [2_000, ordered()], [31_000, began]);
    expect(rollbackTimeOf(state, 32_000)).toMatchObject({ tookMs: 31_000 });
  });

  it('begins with the failure where nobody ordered it', () => {
    expect(rollbackTimeOf(told(aPlan(), [1_000, began], [2_000, ordered()]), 3_000)).toMatchObject({ tookMs: 2_000 });
  });

  it('begins with the order that could be carried out', () => {
    const state = told(aPlan(), [1_000, ordered()], [2_000, stuck], [60 * MINUTE, ordered(true)], [60 * MINUTE, began]);
    expect(rollbackTimeOf(state, 61 * MINUTE)).toMatchObject({ tookMs: MINUTE });
  });
});
