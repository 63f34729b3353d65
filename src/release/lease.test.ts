import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../test/workers/clock.ts';
import { keepLease, type Lease } from './lease.ts';
import type { Claim, LeaseTerms } from './ports.ts';

const CLAIM: Claim = { release: '01r', driver: 'w1', fence: 7 };
const TERMS: LeaseTerms = { leaseMs: 15_000, renewMs: 3_000, marginMs: 4_000 };

type Renew = (claim: Claim) => Promise<boolean>;

function open(renew: Renew, terms = TERMS) {
  const clock = fakeClock();
  const asked: number[] = [];
  const begin = clock.monotonic();
  const lease = keepLease(CLAIM, terms, {
    clock,
    since: begin,
    renew: (claim) => {
      asked.push(clock.monotonic() - begin);
      return renew(claim);
    },
  });
  return { clock, lease, asked };
}

/** `held`, or why it is not. */
function stateOf(lease: Lease): string {
  try {
    lease.check();
    return lease.signal.aborted ? 'check and signal disagree' : 'held';
  } catch (error) {
    return `${(error as { code?: string }).code}${lease.signal.aborted ? '' : ', but the signal was not aborted'}`;
  }
}

const answers =
  (answer: boolean): Renew =>
  async () =>
    answer;

describe('a lease', () => {
  it('is renewed in time, for as long as it is open', async () => {
    const { clock, lease, asked } = open(answers(true));
    await clock.advance(60_000);
    expect(stateOf(lease)).toBe('held');
    expect(asked).toEqual(Array.from({ length: 20 }, (_, n) => 3_000 * (n + 1)));
    await lease.stop();
    await clock.advance(60_000);
    expect(asked).toHaveLength(20);
    expect(clock.sleepers()).toBe(0);
  });

  it('is lost the moment the store says that it was taken over', async () => {
    const { clock, lease } = open(answers(false));
    await clock.advance(2_999);
    expect(stateOf(lease)).toBe('held');
    await clock.advance(1);
    expect(lease.signal.reason).toMatchObject({ code: 'fenced', message: expect.stringContaining('01r') as string });
    expect(stateOf(lease)).toBe('fenced');
  });

  it('is lost a margin before its end when the store is away', async () => {
    const { clock, lease } = open(() => Promise.reject(new Error('away')));
    await clock.advance(10_999);
    expect(stateOf(lease)).toBe('held');
    await clock.advance(1);
    expect(lease.signal.aborted).toBe(true);
  });

  it('is lost as early when the store does not even answer', async () => {
    const { clock, lease, asked } = open(() => new Promise(() => undefined));
    await clock.advance(10_999);
    expect(stateOf(lease)).toBe('held');
    await clock.advance(1);
    // Seen by the signal itself: the step in flight is stopped without anybody asking.
    expect(lease.signal.aborted).toBe(true);
    expect(asked).toEqual([3_000]);
    await lease.stop();
    expect(clock.sleepers()).toBe(0);
  });

  it('survives a store that comes back in time', async () => {
    let away = true;
    const { clock, lease } = open(() => (away ? Promise.reject(new Error('away')) : Promise.resolve(true)));
    await clock.advance(8_000);
    away = false;
    await clock.advance(60_000);
    expect(stateOf(lease)).toBe('held');
  });

  it('counts from when it was asked for: an answer that was long under way does not extend it', async () => {
    let answer: (kept: boolean) => void = () => undefined;
    const { clock, lease } = open(() => new Promise((resolve) => (answer = resolve)));
    await clock.advance(10_000);
    answer(true);
    // Asked at 3 s, so certain until 14 s.
    await clock.advance(3_999);
    expect(stateOf(lease)).toBe('held');
    await clock.advance(1);
    expect(lease.signal.aborted).toBe(true);
  });

  it('counts from when the claim was asked for', () => {
    const clock = fakeClock();
    const lease = keepLease(CLAIM, TERMS, { clock, renew: answers(true), since: clock.monotonic() - 11_000 });
    expect(stateOf(lease)).toBe('fenced');
  });

  it('is lost after a freeze, before anything else is done', async () => {
    const { clock, lease, asked } = open(answers(true));
    await clock.advance(4_000);
    // Synchronously, as for the first line of code that runs after SIGCONT.
    const frozen = clock.freeze(11_000);
    expect(stateOf(lease)).toBe('fenced');
    await frozen;
    expect(asked).toEqual([3_000]);
  });

  it('is kept through a freeze that was short enough', async () => {
    const { clock, lease } = open(answers(true));
    await clock.advance(4_000);
    await clock.freeze(9_000);
    expect(stateOf(lease)).toBe('held');
  });

  it('is lost when an answer from before the freeze is read after it', async () => {
    let answer: (kept: boolean) => void = () => undefined;
    const { clock, lease } = open(() => new Promise((resolve) => (answer = resolve)));
    await clock.advance(3_000);
    answer(true);
    await clock.freeze(20_000);
    expect(lease.signal.aborted).toBe(true);
  });

  it('is never believed longer than the store grants it, whatever the store and the clock do', async () => {
    const terms = fc.record({
      leaseMs: fc.integer({ min: 1_000, max: 60_000 }),
      renew: fc.double({ min: 0.05, max: 0.5, noNaN: true }),
      margin: fc.double({ min: 0.05, max: 0.4, noNaN: true }),
    });
    const moves = fc.array(
      fc.record({ kind: fc.constantFrom('advance', 'freeze', 'away', 'back', 'hang', 'taken'), ms: fc.integer({ min: 1, max: 20_000 }) }),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(terms, moves, async ({ leaseMs, renew, margin }, plan) => {
        let mood = 'back';
        let takenOver = false;
        const kept: LeaseTerms = { leaseMs, renewMs: leaseMs * renew, marginMs: leaseMs * margin };
        const clock = fakeClock();
        let grantedUntil = clock.monotonic() + leaseMs;
        const renewal: Renew = async () => {
          if (mood === 'away') throw new Error('away');
          if (mood === 'hang') return new Promise<boolean>(() => undefined);
          if (takenOver) return false;
          grantedUntil = clock.monotonic() + leaseMs;
          return true;
        };
        const lease = keepLease(CLAIM, kept, { clock, renew: renewal, since: clock.monotonic() });
        for (const { kind, ms } of plan) {
          if (kind === 'advance') await clock.advance(ms);
          else if (kind === 'freeze') await clock.freeze(ms);
          // The store gives a release away only when its lease has run out.
          else if (kind === 'taken') takenOver = takenOver || clock.monotonic() >= grantedUntil;
          else mood = kind;
          if (stateOf(lease) === 'held') expect(clock.monotonic()).toBeLessThan(grantedUntil);
          if (takenOver) expect(stateOf(lease)).toBe('fenced');
        }
        await lease.stop();
        expect(clock.sleepers()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
