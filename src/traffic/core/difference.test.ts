import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Counters, type Counts, difference } from './difference.ts';

const nat = fc.nat({ max: 1_000 });
const counters = (version: string): fc.Arbitrary<Counters> =>
  fc.record({
    version: fc.constant(version),
    group: fc.constant(`shop/prd/${version}`),
    requests: nat,
    errors: nat,
    clientErrors: nat,
    retries: nat,
    latency: fc.record({ boundsMs: fc.constant([1, 10, null]), counts: fc.array(nat, { minLength: 3, maxLength: 3 }) }),
  });
const counts: fc.Arbitrary<Counts> = fc.record({
  at: nat,
  since: fc.constantFrom(1, 1, 1, 2),
  versions: fc.tuple(counters('1.0.0'), counters('1.1.0')),
  unrouted: nat,
});

function plus(one: Counts, other: Counts): Counts {
  const versions = one.versions.map((version, index): Counters => {
    const more = other.versions[index] ?? version;
    return {
      ...version,
      requests: version.requests + more.requests,
      errors: version.errors + more.errors,
      clientErrors: version.clientErrors + more.clientErrors,
      retries: version.retries + more.retries,
      latency: { ...version.latency, counts: version.latency.counts.map((value, bucket) => value + (more.latency.counts[bucket] ?? 0)) },
    };
  });
  return { at: other.at, since: one.since, versions, unrouted: one.unrouted + other.unrouted };
}

function numbersOf(value: Counts): readonly number[] {
  return [
    value.unrouted,
    ...value.versions.flatMap((version) => [
      version.requests,
      version.errors,
      version.clientErrors,
      version.retries,
      ...version.latency.counts,
    ]),
  ];
}

describe('difference of two readings', () => {
  it('undoes addition', () => {
    fc.assert(
      fc.property(counts, counts, (before, grown) => {
        expect(difference(plus(before, grown), before)).toEqual({ ...grown, since: before.since });
      }),
    );
  });

  it('is null or nowhere negative, for any two readings', () => {
    fc.assert(
      fc.property(counts, counts, (later, earlier) => {
        const change = difference(later, earlier);
        if (change !== null) expect(numbersOf(change).every((number) => number >= 0)).toBe(true);
        if (later.since !== earlier.since) expect(change).toBeNull();
      }),
    );
  });

  const one = (requests: number, more: Partial<Counts> = {}): Counts => ({
    at: 0,
    since: 1,
    unrouted: 0,
    versions: [
      {
        version: 'a',
        group: 'g',
        requests,
        errors: 0,
        clientErrors: 0,
        retries: 0,
        latency: { boundsMs: [1, null], counts: [requests, 0] },
      },
    ],
    ...more,
  });

  it('does not trust counters that were reset and have since overtaken the old reading', () => {
    expect(difference(one(50, { since: 2 }), one(10))).toBeNull();
    expect(difference(one(5), one(10))).toBeNull();
  });

  it('counts a new version from zero and leaves a forgotten one out', () => {
    expect(difference(one(5), one(0, { versions: [] }))?.versions[0]?.requests).toBe(5);
    expect(difference(one(0, { versions: [] }), one(5))?.versions).toEqual([]);
  });

  it('does not subtract histograms with other bounds', () => {
    const changed = one(9, {
      versions: [
        { version: 'a', group: 'g', requests: 9, errors: 0, clientErrors: 0, retries: 0, latency: { boundsMs: [2, null], counts: [9, 0] } },
      ],
    });
    expect(difference(changed, one(5))).toBeNull();
  });
});
