import { describe, expect, it } from 'vitest';
import { factOf, factsAt, type FactName } from './fact.ts';
import { silent, type Reading } from './reading.ts';

const gauge = (canary: number, stable = canary): Reading => ({ kind: 'gauge', versions: { canary, stable }, at: 0, epoch: '' });
const source = { everyMs: 10_000, timeoutMs: 5_000 };
const told = (fact: FactName, reading: Reading, now = 1_000) => factsAt([{ fact, source }], { [fact]: factOf(fact, reading, 1_000) }, now);

describe('declared facts', () => {
  it('are told to the judge as it knows them', () => {
    expect(told('cpu', gauge(2, 1)).cpu).toEqual({ canary: 2, stable: 1 });
    expect(told('memory', gauge(3, 2)).memory).toEqual({ canary: 3, stable: 2 });
    expect(told('memory-of-limit', gauge(0.91, 0.2)).memoryOfLimit).toBe(0.91);
    expect(told('breakers', gauge(1, 0))).toMatchObject({ breakersOpen: true, corrupted: null });
    expect(told('breakers', gauge(0, 1)).breakersOpen).toBe(false);
    expect(told('corrupted', gauge(2, 0)).corrupted).toBe(true);
  });

  it('are unknown, with the reason, where the source is silent or says what cannot be', () => {
    expect(factOf('cpu', silent('nobody listens there'), 0)).toEqual({ at: 0, values: null, silent: 'nobody listens there' });
    const counts = { requests: 1, bad: 0 };
    const told = factOf('cpu', { kind: 'counts', versions: { canary: counts, stable: counts }, at: 0, epoch: '' }, 0);
    expect(told.silent).toContain('where a gauge is needed');
    expect(factOf('memory', gauge(-1), 0).silent).toContain('less than nothing');
    // In percent it would be far above the limit of 0.9, and take back what is well.
    expect(factOf('memory-of-limit', gauge(50), 0)).toMatchObject({
      values: null,
      silent: '50 is no share of the limit, of which 0.9 is 90 %',
    });
    expect(factOf('memory', gauge(50), 0).silent).toBeNull();
  });

  it('are unknown when they are undeclared, or older than two readings', () => {
    expect(factsAt([], { cpu: factOf('cpu', gauge(1), 0) }, 0).cpu).toBeNull();
    expect(factsAt([{ fact: 'cpu', source }], {}, 0).cpu).toBeNull();
    expect(told('cpu', gauge(1), 26_000).cpu).toEqual({ canary: 1, stable: 1 });
    expect(told('cpu', gauge(1), 26_001).cpu).toBeNull();
  });
});
