import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';
import { afterProbe, decideInstance, NO_PROBES, phaseOf, START_TRIES, type InstanceFacts } from './instance.ts';

const duration = fc.nat(100_000);
const facts: fc.Arbitrary<InstanceFacts> = fc.record({
  want: fc.constantFrom('run', 'stop'),
  live: fc.boolean(),
  stopRequested: fc.boolean(),
  everReady: fc.boolean(),
  readyThisRun: fc.boolean(),
  unasked: fc.boolean(),
  gaveUp: fc.boolean(),
  tries: fc.nat(20),
  sinceFirstTry: fc.option(duration),
  sinceStart: fc.option(duration),
  sinceExit: fc.option(duration),
  startWithinMs: fc.option(duration),
});

describe('back-off', () => {
  test('is nothing at first, never shrinks, and never passes 30 s', () => {
    expect([0, 1, 2, 3, 4, 8, 9].map(backoffMs)).toEqual([0, 250, 500, 1_000, 2_000, 30_000, 30_000]);
    fc.assert(
      fc.property(fc.nat(100_000), (tries) => {
        expect(backoffMs(tries + 1)).toBeGreaterThanOrEqual(backoffMs(tries));
        expect(backoffMs(tries)).toBeLessThanOrEqual(30_000);
      }),
    );
  });
});

/** Checks a property of every decision. */
function expectAlways(check: (facts: InstanceFacts, action: string) => void): void {
  fc.assert(
    fc.property(facts, (found) => check(found, decideInstance(found))),
    { numRuns: 2_000 },
  );
}

describe('a decision about an instance', () => {
  test('never starts what runs, is not wanted or was given up, nor before its back-off is over', () => {
    expectAlways((found, action) => {
      if (action !== 'start') return;
      expect(found).toMatchObject({ live: false, want: 'run', gaveUp: false });
      expect(found.sinceExit ?? Infinity).toBeGreaterThanOrEqual(backoffMs(found.tries));
    });
  });

  test('forgets nothing that runs and nothing that is wanted, and asks only once to stop', () => {
    expectAlways((found, action) => {
      if (action === 'forget') expect(found).toMatchObject({ live: false, want: 'stop' });
      if (action === 'stop') expect(found).toMatchObject({ live: true, stopRequested: false });
    });
  });

  test('what was ready once is never given up', () => {
    expectAlways((found, action) => {
      if (action === 'give-up')
        expect(found).toMatchObject({ everReady: false, want: 'run', ...(found.live ? { readyThisRun: false } : {}) });
    });
  });

  test('a ready instance that is wanted is left alone, however long it took', () => {
    expectAlways((found, action) => {
      if (found.want === 'run' && found.live && found.readyThisRun && !found.gaveUp) expect(action).toBe('wait');
    });
  });

  test('an unwanted or given-up instance ends: from any facts it stops, is gone, or waits for its end', () => {
    expectAlways((found, action) => {
      if (found.want === 'stop') expect(action).toBe(found.live ? (found.stopRequested ? 'wait' : 'stop') : 'forget');
      if (found.want === 'run' && found.gaveUp && found.live && !found.stopRequested) expect(action).toBe('stop');
    });
  });

  test('the tries and the time of a first start are both limits', () => {
    const first: InstanceFacts = {
      want: 'run',
      live: false,
      stopRequested: false,
      everReady: false,
      readyThisRun: false,
      unasked: false,
      gaveUp: false,
      tries: 1,
      sinceFirstTry: 10,
      sinceStart: 10,
      sinceExit: 9_999,
      startWithinMs: 5_000,
    };
    expect(decideInstance(first)).toBe('start');
    expect(decideInstance({ ...first, tries: START_TRIES })).toBe('give-up');
    expect(decideInstance({ ...first, sinceFirstTry: 5_001 })).toBe('give-up');
    expect(decideInstance({ ...first, live: true, sinceFirstTry: 5_001 })).toBe('give-up');
    expect(decideInstance({ ...first, everReady: true, tries: 50, sinceFirstTry: 5_001, sinceExit: 30_000 })).toBe('start');
    // Time that ran out while no supervisor looked is no reason before the first answer.
    expect(decideInstance({ ...first, live: true, unasked: true, sinceFirstTry: 5_001 })).toBe('wait');
    expect(decideInstance({ ...first, everReady: true, live: true, unasked: true, sinceStart: 5_001 })).toBe('wait');
    // A restart that hangs is ended and tried again.
    expect(decideInstance({ ...first, everReady: true, live: true, sinceStart: 5_001 })).toBe('stop');
  });
});

describe('probes and phases', () => {
  test('one success makes ready, one failure is noise, two are unhealthy, and a success heals', () => {
    const phases = [false, true, false, false, true].reduce<{ history: typeof NO_PROBES; phases: string[] }>(
      ({ history, phases }, passed) => {
        const next = afterProbe(history, passed);
        return {
          history: next,
          phases: [...phases, phaseOf({ want: 'run', live: true, stopRequested: false, gaveUp: false }, next, true)],
        };
      },
      { history: NO_PROBES, phases: [] },
    ).phases;
    expect(phases).toEqual(['starting', 'ready', 'ready', 'unhealthy', 'ready']);
  });

  test('nothing is ready that does not run, was asked to stop, or was given up', () => {
    const healthy = afterProbe(NO_PROBES, true);
    fc.assert(
      fc.property(facts, fc.boolean(), (found, started) => {
        if (phaseOf(found, healthy, started) === 'ready')
          expect(found).toMatchObject({ live: true, stopRequested: false, gaveUp: false, want: 'run' });
      }),
    );
  });
});
