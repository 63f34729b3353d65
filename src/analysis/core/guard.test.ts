import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addToGuard, checkGuard, type GuardPolicy, type GuardState } from './guard.ts';
import type { Reading } from './reading.ts';

const memory: GuardPolicy = { name: 'memory', above: 0.9, forMs: 180_000 };
const gauge = (canary: number, stable: number): Reading => ({ kind: 'gauge', versions: { canary, stable }, at: 0, epoch: '' });
const quiet: Reading = { kind: 'silent', reason: 'nobody listens there' };

/** The guard after readings a minute apart. */
function after(guard: GuardPolicy, readings: readonly Reading[]): ReturnType<typeof checkGuard> {
  return checkGuard(
    guard,
    readings.reduce<GuardState | null>((state, reading, minute) => addToGuard(guard, state, reading, minute * 60_000), null),
  );
}

describe('a guard', () => {
  it('fails when only the canary was above the limit for that long', () => {
    const over = gauge(0.95, 0.5);
    expect(after(memory, [over, over, over]).verdict).toBe('unknown');
    expect(after(memory, [over, over, over, over])).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('above the limit for 3m') as string,
    });
    expect(after(memory, [over, over, gauge(0.8, 0.5), over]).verdict).toBe('unknown');
  });

  it('fails at once where no time is given', () =>
    expect(after({ name: 'breaker', above: 0, forMs: 0 }, [gauge(1, 0)]).verdict).toBe('fail'));

  it('does not fail for what the stable version does too, nor pass', () => {
    const both = gauge(0.95, 0.95);
    expect(after(memory, [both, both, both, both])).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringContaining('both are above') as string,
    });
  });

  it('knows nothing while its source is silent, and begins to count anew', () => {
    const over = gauge(0.95, 0.5);
    expect(after(memory, [])).toMatchObject({ verdict: 'unknown' });
    expect(after(memory, [gauge(0.1, 0.1), quiet])).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringContaining('nobody listens') as string,
    });
    expect(after(memory, [over, over, quiet, over]).verdict).toBe('unknown');
    expect(after(memory, [gauge(0.1, 0.1), quiet, gauge(0.1, 0.1)]).verdict).toBe('pass');
  });

  it('never fails while the newest reading is within the limit, silent, or above it in both', () => {
    const any = fc.oneof(
      fc.tuple(fc.double({ min: 0, max: 2, noNaN: true }), fc.double({ min: 0, max: 2, noNaN: true })).map(([a, b]) => gauge(a, b)),
      fc.constant(quiet),
    );
    fc.assert(
      fc.property(fc.array(any, { minLength: 1 }), (readings) => {
        const last = readings.at(-1);
        const alone = last?.kind === 'gauge' && last.versions.canary > 0.9 && last.versions.stable <= 0.9;
        if (!alone) expect(after(memory, readings).verdict).not.toBe('fail');
      }),
    );
  });
});
