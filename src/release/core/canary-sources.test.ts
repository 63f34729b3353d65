import { describe, expect, it } from 'vitest';
import { LATENCY, type MetricDefinition, type Reading } from '../../analysis/index.ts';
import { guardChecks, NO_SOURCES, sourcesAtCheckpoint, takeAnswers, type SourceMemory } from './canary-sources.ts';

const NOW = 1_800_000_000_000;
const source = { from: 'otlp', ask: { kind: 'gauge', gauge: 'x' }, everyMs: 10_000, timeoutMs: 5_000 } as const;
const orders: MetricDefinition = { name: 'orders', source, slowerThan: null, policy: { ...LATENCY, name: 'orders' } };
const declared = {
  metrics: [orders],
  guards: [{ name: 'memory', source, above: 0.9, forMs: 0 }],
  facts: [{ name: 'documented.cpu', fact: 'cpu', source }],
} as const;

const counts = (requests: number, bad: number, at = NOW, epoch = 'a'): Reading => {
  const arm = { requests, bad };
  return { kind: 'counts', versions: { canary: arm, stable: arm }, at, epoch };
};
const buckets = (bounds: readonly (number | null)[], all: readonly number[], at: number): Reading => {
  const histogram = { bounds, counts: all };
  return { kind: 'histogram', versions: { canary: histogram, stable: histogram }, at, epoch: 'a' };
};
const gauge = (canary: number, at: number): Reading => ({ kind: 'gauge', versions: { canary, stable: 0.1 }, at, epoch: 'a' });

/** Answers one after another, each a minute later; what the judge got of each, and what is remembered at the end. */
function hear(name: string, readings: readonly ((at: number) => Reading)[]) {
  let memory: SourceMemory = NO_SOURCES;
  const news = readings.map((reading, index) => {
    const at = NOW + index * 60_000;
    const taken = takeAnswers(declared, memory, { answers: [{ name, reading: reading(at) }], at });
    memory = taken.memory;
    return taken.news[name];
  });
  return { news, memory };
}

describe('answers of declared sources', () => {
  it('become what was counted between two of them', () => {
    const { news } = hear('orders', [(at) => counts(10, 0, at), (at) => counts(30, 1, at)]);
    expect(news).toEqual([undefined, { canary: { requests: 20, bad: 1 }, stable: { requests: 20, bad: 1 } }]);
  });

  it.each([
    ['a clock far ahead of ours', [(at: number) => counts(10, 0, at + 600_000)], /10m ahead of this machine/],
    ['a clock far behind ours', [(at: number) => counts(10, 0, at - 600_000)], /10m behind this machine/],
    ['a clock that was set back', [(at: number) => counts(10, 0, at), (at: number) => counts(20, 0, at - 120_000)], /its clock went back/],
    ['counters that began anew', [(at: number) => counts(10, 0, at), (at: number) => counts(20, 0, at, 'b')], /its counters began anew/],
    ['a counter that went back', [(at: number) => counts(10, 5, at), (at: number) => counts(12, 4, at)], /a count went back/],
    ['NaN', [(at: number) => counts(Number.NaN, 0, at)], /0 bad of NaN/],
    [
      'changed buckets',
      [(at: number) => buckets([0.1, 0.5, null], [2_000, 10, 1], at), (at: number) => buckets([0.2, 0.5, null], [3_000, 20, 2], at)],
      /its buckets changed/,
    ],
  ] as const)('with %s are silence for the judge, with the reason', (_name, readings, reason) => {
    const { news, memory } = hear('orders', readings);
    expect(news.at(-1)).toBeNull();
    expect(memory.feeds['orders']?.silent).toMatch(reason);
  });

  it('after changed buckets are counted from there on, with an edge among the new ones', () => {
    const of =
      (bounds: readonly (number | null)[], ...all: number[]) =>
      (at: number) =>
        buckets(bounds, all, at);
    const [old, other] = [
      [0.1, 0.5, null],
      [0.2, 0.5, null],
    ];
    const { news } = hear('orders', [of(old, 2_000, 0, 0), of(old, 3_000, 4, 0), of(other, 3_000, 4, 0), of(other, 4_000, 4, 7)]);
    const arms = (requests: number, bad: number) => ({ canary: { requests, bad }, stable: { requests, bad } });
    expect(news).toEqual([undefined, arms(1_004, 4), null, arms(1_007, 7)]);
  });

  it('hold guards and facts too, where their moment is not known', () => {
    const early = (at: number): Reading => gauge(0.95, at - 600_000);
    expect(guardChecks(declared, hear('memory', [(at) => gauge(0.95, at)]).memory)).toMatchObject([{ verdict: 'fail' }]);
    const guards = guardChecks(declared, hear('memory', [early]).memory);
    expect(guards).toMatchObject([{ verdict: 'unknown', reason: expect.stringContaining('10m behind this machine') as string }]);
    const { memory } = hear('documented.cpu', [(at) => gauge(2, at), early]);
    expect(memory.facts?.['cpu']).toMatchObject({ values: null, silent: expect.stringContaining('10m behind') as string });
  });

  it('from before a new weight belong to neither', () => {
    const { memory } = hear('orders', [(at) => counts(10, 0, at)]);
    const next = takeAnswers(declared, sourcesAtCheckpoint(memory), {
      answers: [{ name: 'orders', reading: counts(50, 9, NOW + 60_000) }],
      at: NOW,
    });
    expect(next.news).toEqual({});
  });
});
