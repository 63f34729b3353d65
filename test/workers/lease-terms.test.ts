import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaseTerms } from '../../src/cli/lease.ts';

/** As in src/kernel: the longest grace of a command, and how much later than its time a guard may look. */
const LONGEST_GRACE_MS = 5_000;
const LATE = 1.1;

describe('the length of a lease', () => {
  it('is 15 s, or what SLIPWAY_LEASE_MS says', () => {
    expect(leaseTerms({})).toEqual({ leaseMs: 15_000, renewMs: 3_000, marginMs: 4_000, deadManMs: 6_750 });
    expect(leaseTerms({ SLIPWAY_LEASE_MS: '' }).leaseMs).toBe(15_000);
    expect(leaseTerms({ SLIPWAY_LEASE_MS: '3000' })).toEqual({ leaseMs: 3_000, renewMs: 600, marginMs: 800, deadManMs: 1_350 });
  });

  it.each(['0', '-1', '999', '600001', '15s', '1e99', 'NaN', '1500.5', ' x '])('refuses "%s"', (value) => {
    expect(() => leaseTerms({ SLIPWAY_LEASE_MS: value })).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('SLIPWAY_LEASE_MS') as string }),
    );
  });

  it("always leaves time to renew twice, and to end a frozen worker's command before anybody else begins", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 600_000 }), (leaseMs) => {
        const { renewMs, marginMs, deadManMs } = leaseTerms({ SLIPWAY_LEASE_MS: String(leaseMs) });
        expect(2 * renewMs).toBeLessThan(leaseMs - marginMs);
        // Frozen just before a renewal: the lease has this much left, and the last touch came at the latest then.
        const left = leaseMs - renewMs;
        expect(LATE * deadManMs + Math.min(LONGEST_GRACE_MS, deadManMs / 2)).toBeLessThan(left);
      }),
    );
  });
});
