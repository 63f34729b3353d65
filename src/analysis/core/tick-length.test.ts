import { describe, expect, it } from 'vitest';
import { longestTickMs } from './tick-length.ts';

const at = (ageMs: number, forMs = 3_600_000) => ({ everyMs: 500, forMs, ageMs });

describe('how long readings are put together', () => {
  it('is a fifth of what the checkpoint has lasted, at least one reading and at most 10 s', () => {
    const lengths = [0, 5_000, 20_000, 50_000, 3_000_000].map((ageMs) => longestTickMs({ kind: 'sequential' }, at(ageMs)));
    expect(lengths).toEqual([500, 1_000, 4_000, 10_000, 10_000]);
  });

  it('is shorter for the other judges only where the whole checkpoint is short', () => {
    const lengths = [0, 5_000, 3_600_000].map((forMs) => longestTickMs({ kind: 'threshold' }, at(0, forMs)));
    expect(lengths).toEqual([10_000, 1_000, 10_000]);
  });
});
