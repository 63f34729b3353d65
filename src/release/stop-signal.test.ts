import { describe, expect, it } from 'vitest';
import { aPlan } from '../../test/support/plan.ts';
import { SlipwayError, systemClock, type Clock } from '../kernel/index.ts';
import type { NewEvent } from './core/events.ts';
import type { StoredRelease } from './ports.ts';
import { stopSignal, type Watch } from './stop-signal.ts';

const plan = aPlan();
const REQUESTED: NewEvent = { type: 'release.requested', data: { plan, wait: false, previousLedger: null } };
const ABORT: NewEvent = { type: 'abort.requested', data: { reason: 'no' } };
const PROMOTE: NewEvent = { type: 'promote.requested', data: { reason: 'go', step: null } };

function ledger(...events: readonly NewEvent[]): StoredRelease {
  return {
    summary: { release: plan.release } as StoredRelease['summary'],
    entries: [],
    events: events.map((event, seq) => ({ ...event, seq, time: seq, actor: 'ann' })),
  };
}

/** Its waits are over at once. */
const clock: Clock = { ...systemClock, sleep: () => Promise.resolve() };

/** A store whose ledger grows while the step runs, and which is away for the first calls of one kind. */
function growing(to: StoredRelease, away: 'changed' | 'load', times: number): Watch['store'] {
  let left = times;
  const call = (name: 'changed' | 'load'): Promise<void> =>
    name === away && left-- > 0 ? Promise.reject(new SlipwayError('store_unreachable', 'away for a moment')) : Promise.resolve();
  return {
    changed: async (_release, size, signal) => {
      await call('changed');
      if (size >= to.events.length) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
    load: async () => {
      await call('load');
      return to;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

describe('the stop signal of a step', () => {
  it.each(['changed', 'load'] as const)(
    'is heard after the store did not answer %s for a moment, and stops nothing by that',
    async (away) => {
      const stop = stopSignal(
        { store: growing(ledger(REQUESTED, PROMOTE, ABORT), away, 3), clock, stored: ledger(REQUESTED), before: 1 },
        false,
      );
      expect(stop.signal.aborted).toBe(false);
      await Promise.all([aborted(stop.signal), aborted(stop.asked)]);
      expect(String(stop.signal.reason)).toContain('abort.requested by ann');
      stop.end();
    },
  );

  it('hears what came between the decision and the load, and nothing from before or on the way back', () => {
    const quiet = growing(ledger(REQUESTED, ABORT), 'load', 0);
    const heard = (before: number, undoing: boolean): boolean => {
      const stop = stopSignal({ store: quiet, clock, stored: ledger(REQUESTED, ABORT), before }, undoing);
      stop.end();
      return stop.signal.aborted;
    };
    expect([heard(1, false), heard(2, false), heard(1, true)]).toEqual([true, false, false]);
  });
});
