import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addToDocumented, documentedJudgement, startDocumented, type DocumentedJudge, type DocumentedJudgement } from './documented.ts';
import { MINUTE_MS, type DocumentedTick, type Durations } from './documented-facts.ts';
import { quantileOf } from './documented-windows.ts';

const bounds = [100, 200, 400, 800, 1_600];
const steady: Durations = { bounds, counts: [90, 8, 2, 0, 0, 0] };
const slower = (factor: number): Durations => ({ bounds: bounds.map((bound) => bound * factor), counts: steady.counts });

/** One minute in which the canary is as good as the stable version. */
const fine: Omit<DocumentedTick, 'at'> = {
  lengthMs: MINUTE_MS,
  errors: { canary: { requests: 1_000, bad: 5 }, stable: { requests: 9_000, bad: 45 } },
  durations: { canary: steady, stable: steady },
  cpu: { canary: 1, stable: 1 },
  memory: { canary: 1, stable: 1 },
  memoryOfLimit: 0.5,
  restarts: 0,
  probes: { failing: 0, all: 4 },
  breakersOpen: false,
  corrupted: false,
  custom: {},
};

function errors(percent: number): Partial<DocumentedTick> {
  return { errors: { canary: { requests: 1_000, bad: percent * 10 }, stable: { requests: 9_000, bad: 0 } } };
}

function play(minutes: readonly Partial<DocumentedTick>[], custom: Readonly<Record<string, number>> = {}): DocumentedJudgement {
  const judge = minutes.reduce<DocumentedJudge>(
    (state, change, index) => addToDocumented(state, { ...fine, ...change, at: (index + 1) * MINUTE_MS }),
    startDocumented(custom),
  );
  return documentedJudgement(judge);
}

const times = (count: number, change: Partial<DocumentedTick> = {}): readonly Partial<DocumentedTick>[] =>
  Array.from({ length: count }, () => change);

describe('criteria, of which all must hold', () => {
  it('pass after their whole window, not before', () => {
    expect(play(times(14)).verdict).toBe('unknown');
    expect(play(times(15))).toMatchObject({ verdict: 'pass', action: 'none', fired: [] });
    expect(documentedJudgement(startDocumented()).verdict).toBe('unknown');
  });

  it('are told of a canary that an older build began to judge', () => {
    const { without: _without, ...older } = startDocumented();
    expect(documentedJudgement(addToDocumented(older, { ...fine, at: MINUTE_MS })).verdict).toBe('unknown');
  });

  it.each([
    ['0.5 points more errors', errors(0.5), 'pass'],
    ['0.6 points more errors', errors(0.6), 'unknown'],
    ['p99 and p50 1.1 times', { durations: { canary: steady, stable: slower(1 / 1.1) } }, 'unknown'],
    ['CPU 1.5 times', { cpu: { canary: 1.5, stable: 1 } }, 'pass'],
    ['CPU 1.6 times', { cpu: { canary: 1.6, stable: 1 } }, 'unknown'],
    ['memory 1.3 times', { memory: { canary: 1.3, stable: 1 } }, 'pass'],
    ['memory 1.4 times', { memory: { canary: 1.4, stable: 1 } }, 'unknown'],
    ['CPU unknown', { cpu: null }, 'unknown'],
    ['durations unknown', { durations: null }, 'unknown'],
    ['no canary requests', { errors: { canary: { requests: 0, bad: 0 }, stable: { requests: 9, bad: 0 } } }, 'unknown'],
  ] as const)('%s: %s', (_name, change, verdict) => {
    const durations = 'durations' in change && change.durations !== null ? { ...change, durations: buckets(1.101) } : change;
    expect(play(times(20, durations)).verdict).toBe(verdict);
  });

  it('latency is held against 1.1 and 1.2 times', () => {
    const only = (factor: number): readonly string[] =>
      play(times(20, { durations: buckets(factor) }))
        .criteria.filter(({ verdict }) => verdict !== 'pass')
        .map(({ name }) => name);
    expect(only(1.09)).toEqual([]);
    expect(only(1.15)).toEqual(['p50']);
    expect(only(1.25)).toEqual(['p99', 'p50']);
  });

  it('a gap in the window leaves it open', () => {
    expect(play([...times(10), { errors: null }, ...times(4)]).verdict).toBe('unknown');
    expect(play([...times(10), { errors: null }, ...times(15)]).verdict).toBe('pass');
  });

  it('declared business metrics need half an hour, and must be told', () => {
    const orders = (canary: number): Partial<DocumentedTick> => ({ custom: { orders: { canary, stable: 1 } } });
    expect(play(times(29, orders(1)), { orders: 1.2 }).verdict).toBe('unknown');
    expect(play(times(30, orders(1)), { orders: 1.2 }).verdict).toBe('pass');
    expect(play(times(30, orders(1.3)), { orders: 1.2 }).verdict).toBe('unknown');
    expect(play(times(30), { orders: 1.2 }).verdict).toBe('unknown');
  });
});

/** Durations in fine buckets, the canary's `factor` times the stable one's. */
function buckets(factor: number): DocumentedTick['durations'] {
  const fine = Array.from({ length: 4_000 }, (_bound, index) => index + 1);
  const spread = (by: number): Durations => {
    const counts = [...fine, 0].map(() => 0);
    for (let n = 1; n <= 1_000; n++) counts[Math.ceil(n * by) - 1] = (counts[Math.ceil(n * by) - 1] ?? 0) + 1;
    return { bounds: fine, counts };
  };
  return { canary: spread(factor), stable: spread(1) };
}

describe('triggers, of which any fires', () => {
  it.each([
    ['5.1 % for two minutes', times(2, errors(5.1)), ['errors']],
    ['5 % for long', times(9, errors(5)), []],
    ['6 % for one minute', [...times(3), errors(6), ...times(1)], []],
    ['p99 3.1 times for five minutes', times(5, { durations: buckets(3.1) }), ['p99']],
    ['p99 3.1 times for four minutes', [...times(4, { durations: buckets(3.1) }), { durations: buckets(1) }], []],
    ['3 restarts in five minutes', [{ restarts: 1 }, {}, { restarts: 1 }, {}, { restarts: 1 }], ['restarts']],
    ['3 restarts in six minutes', [{ restarts: 1 }, {}, { restarts: 1 }, {}, {}, { restarts: 1 }], []],
    ['half the probes', [{ probes: { failing: 2, all: 4 } }], []],
    ['more than half the probes', [{ probes: { failing: 3, all: 4 } }], ['probes']],
    ['memory for three minutes', times(3, { memoryOfLimit: 0.91 }), ['memory']],
    ['memory for two minutes', times(2, { memoryOfLimit: 0.99 }), []],
    ['an open breaker', [{ breakersOpen: true }], ['breaker']],
  ] as const)('%s', (_name, minutes, fired) => {
    const judged = play(minutes);
    expect(judged.fired).toEqual(fired);
    expect(judged.verdict).toBe(fired.length > 0 ? 'fail' : 'unknown');
  });

  it('once fired, it stays so', () => {
    expect(play([...times(2, errors(9)), ...times(60)])).toMatchObject({ verdict: 'fail', fired: ['errors'] });
  });
});

it('the decision matrix', () => {
  expect(play([errors(0.9)]).action).toBe('none');
  expect(play([errors(1.1)])).toMatchObject({ action: 'ask', verdict: 'unknown' });
  expect(play(times(2, errors(6))).action).toBe('rollback');
  expect(play([{ durations: buckets(2.1) }]).action).toBe('alert');
  expect(play([{ corrupted: true }])).toMatchObject({ action: 'restore', verdict: 'fail' });
});

it('quantiles interpolate, and changed buckets leave them unknown', () => {
  expect(quantileOf({ bounds: [100, 200], counts: [50, 50, 0] }, 0.75)).toBe(150);
  expect(quantileOf({ bounds: [100, 200], counts: [0, 0, 5] }, 0.5)).toBe(200);
  expect(quantileOf({ bounds: [], counts: [] }, 0.5)).toBeNaN();
  const changed = play([...times(14), { durations: { canary: slower(2), stable: steady } }]);
  expect(changed.criteria.find(({ name }) => name === 'p99')).toMatchObject({ value: null, verdict: 'unknown' });
});

it('never passes while a fact of a criterion is missing', () => {
  const gone = fc.constantFrom<Partial<DocumentedTick>>({ errors: null }, { durations: null }, { cpu: null }, { memory: null });
  fc.assert(
    fc.property(gone, fc.nat(9), (missing, at) => {
      expect(play(times(20).map((one, minute) => (minute === 10 + at ? missing : one))).verdict).not.toBe(
        missing.durations === null ? 'fail' : 'pass',
      );
    }),
    { numRuns: 30 },
  );
});
