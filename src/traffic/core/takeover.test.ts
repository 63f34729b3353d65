import { describe, expect, it } from 'vitest';
import { mayTakeOver } from './takeover.ts';

describe('who answers for a version without instances', () => {
  const backends = (canary: number) => [{ weight: 100 - canary }, { weight: canary }];
  it.each([
    [0, true, false],
    [1, true, false],
    [49, true, false],
    [50, true, true],
    [99, true, true],
    [100, false, true],
  ])('at %i %% for the canary: stable %s, canary %s', (canary, stable, other) => {
    expect([mayTakeOver(backends(canary), 0), mayTakeOver(backends(canary), 1)]).toEqual([stable, other]);
  });
  it('nobody who is not there', () => {
    expect(mayTakeOver([], 0)).toBe(false);
    expect(mayTakeOver(backends(50), 2)).toBe(false);
  });
});
