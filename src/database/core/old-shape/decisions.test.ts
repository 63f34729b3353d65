import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { upperShare } from './bound.ts';
import type { CountedStatement, Seen, StatementFacts } from './facts.ts';
import type { MismatchSample } from './facts.ts';
import { judgeDependants, judgeFallback, judgeMismatch, judgeSessions, judgeStatements } from './judge.ts';
import { quietSince, watched, type Watched } from './watch.ts';

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;
const window = { now: NOW, windowMs: 10 * HOUR };

describe('a watched counter', () => {
  it('is quiet since a moment from which on every look found the same', () => {
    const looks = fc.array(fc.record({ later: fc.integer({ min: 1, max: 1_000 }), value: fc.integer({ min: 0, max: 3 }) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(looks, (all) => {
        let [now, state]: [number, Watched | null] = [0, null];
        const seen = all.map(({ later, value }) => {
          now += later;
          state = watched(state, value, now);
          return { now, value };
        });
        if (state === null) throw new Error('there was a look');
        const since = quietSince(state);
        expect(new Set(seen.filter((look) => look.now >= since).map(({ value }) => value)).size).toBe(1);
        // And no longer: the look before it found something else, or there was none.
        const before = seen.findLast((look) => look.now < since);
        expect(before?.value).not.toBe(seen.at(-1)?.value);
      }),
    );
  });
});

describe('the bound of a sample', () => {
  it('is three in n without a bad row, and exact with some', () => {
    expect(upperShare(0, 300)).toBeCloseTo(0.0099, 3);
    // Clopper-Pearson, one-sided 95 %: qbeta(0.95, k + 1, n - k).
    expect(upperShare(1, 20)).toBeCloseTo(0.2161, 4);
    expect(upperShare(5, 100)).toBeCloseTo(0.10225, 4);
    expect(upperShare(10, 1_000_000)).toBeCloseTo(1.6962e-5, 8);
  });

  it('lies above the share that was seen, falls with more rows and rises with more bad ones', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 200 }), (rows, bad) => {
        fc.pre(bad < rows);
        const bound = upperShare(bad, rows);
        expect(bound).toBeGreaterThan(bad / rows);
        expect(bound).toBeLessThanOrEqual(1);
        expect(upperShare(bad, rows * 2)).toBeLessThan(bound);
        expect(upperShare(bad + 1, rows)).toBeGreaterThan(bound);
      }),
    );
  });
});

describe('counted statements', () => {
  const use = fc.constantFrom<CountedStatement['use']>('names', 'takes all', 'unreadable');
  const at = fc.integer({ min: NOW - 20 * HOUR, max: NOW });
  const statement = fc.record({
    text: fc.constantFrom('a', 'b', 'c'),
    shape: fc.constant('customers.name'),
    use,
    calls: fc.integer({ min: 0, max: 3 }),
    watched: fc.record({ value: fc.nat(), firstAt: at, movedAt: fc.option(at) }),
  });
  const facts = fc.record({
    looked: fc.nat(),
    since: at,
    evictedAt: fc.option(at),
    remembered: fc.boolean(),
    hidden: fc.constantFrom(0, 0, 2),
    uses: fc.array(statement, { maxLength: 4 }),
  });

  it('pass only where none that may use it was called in the window, and all were counted through it', () => {
    fc.assert(
      fc.property(facts, (value) => {
        const { verdict } = judgeStatements({ ok: true, value }, [], window);
        const from = NOW - window.windowMs;
        const called = value.uses.filter(({ calls }) => calls > 0);
        const quiet = called.every(({ watched: one }) => quietSince(one) <= from);
        const rising = called.some((one) => one.use === 'names' && (one.watched.movedAt ?? 0) > from);
        expect(verdict === 'fail').toBe(rising);
        if (!rising)
          expect(verdict === 'pass').toBe(quiet && value.hidden === 0 && value.since <= from && (value.remembered || called.length === 0));
      }),
    );
  });

  it('are unknown where nothing is counted, and excused by their text alone', () => {
    const nothing: Seen<StatementFacts> = { ok: false, reason: 'no extension', fix: 'install it' };
    expect(judgeStatements(nothing, [], window).verdict).toBe('unknown');
    const called = {
      text: 'SELECT name FROM customers',
      shape: 'x',
      use: 'names',
      calls: 1,
      watched: { value: 1, firstAt: 0, movedAt: NOW },
    } as const;
    const value: StatementFacts = { looked: 1, since: 0, evictedAt: null, remembered: true, hidden: 0, uses: [called] };
    const allowed = [{ kind: 'statement', name: 'SELECT name\n  FROM customers', because: 'a report that is going' }] as const;
    expect(judgeStatements({ ok: true, value }, [], window).verdict).toBe('fail');
    expect(judgeStatements({ ok: true, value }, allowed, window).verdict).toBe('pass');
    expect(judgeStatements({ ok: true, value }, [{ ...allowed[0], kind: 'client' }], window).verdict).toBe('fail');
  });
});

describe('the other questions', () => {
  it('take nothing looked at for nothing known', () => {
    const sample = (rows: number, mismatched: number, more: Partial<MismatchSample> = {}): MismatchSample => ({
      ...{ rows, mismatched, undecided: 0, drawn: { rows, mismatched }, examples: [], complete: false, tookMs: 0 },
      ...more,
    });
    expect(judgeMismatch(sample(0, 0, { complete: true }), { allow: 0 }).verdict).toBe('unknown');
    expect(judgeMismatch(sample(9, 0), { allow: 0 })).toMatchObject({
      verdict: 'pass',
      reason: '0 of 9 rows sampled, 9 of them by chance, disagree; at most 28 % of all, with 95 % confidence',
    });
    expect(judgeMismatch(sample(9, 1, { examples: ['4'], complete: true }), { allow: 0 }).verdict).toBe('fail');
    // Few enough were seen, but few rows were looked at.
    expect(judgeMismatch(sample(1_000, 1), { allow: 0.002 }).verdict).toBe('unknown');
    expect(judgeMismatch(sample(1_000, 1, { complete: true }), { allow: 0.002 }).verdict).toBe('pass');
    // The newest rows say nothing of the others; a condition that is null says nothing at all.
    expect(judgeMismatch(sample(2_000, 0, { drawn: { rows: 9, mismatched: 0 } }), { allow: 0 }).reason).toContain('at most 28 %');
    expect(judgeMismatch(sample(2_000, 0, { drawn: { rows: 0, mismatched: 0 } }), { allow: 0 }).verdict).toBe('unknown');
    expect(judgeMismatch(sample(500, 0, { undecided: 500, complete: true }), { allow: 0 })).toMatchObject({
      verdict: 'unknown',
      fix: expect.stringContaining('IS DISTINCT FROM') as string,
    });
    expect(judgeFallback(null, window).verdict).toBe('unknown');
    expect(judgeFallback({ value: 7, firstAt: NOW - 11 * HOUR, movedAt: null }, window).verdict).toBe('pass');
    expect(judgeFallback({ value: 7, firstAt: NOW - 9 * HOUR, movedAt: null }, window).verdict).toBe('unknown');
    expect(judgeFallback({ value: 7, firstAt: 0, movedAt: NOW - 9 * HOUR }, window).verdict).toBe('fail');
  });

  it('tell sessions of old versions from those of others', () => {
    const session = (name: string) => ({ name, user: 'app', address: 'this machine', count: 2, since: null });
    const judge = (names: readonly string[], allowed: Parameters<typeof judgeSessions>[1]['allowed'] = []) =>
      judgeSessions(names.map(session), { service: 'shop', isOld: (version) => (version === '?' ? null : version < '1.3.0'), allowed })
        .verdict;
    expect(judge([])).toBe('pass');
    expect(judge(['shop 1.3.0 web-0', 'shop 1.4.0 worker-1'])).toBe('pass');
    expect(judge(['shop 1.3.0 web-0', 'shop 1.2.9 web-0', 'psql'])).toBe('fail');
    expect(judge(['shop 1.3.0 web-0', 'psql'])).toBe('unknown');
    expect(judge(['shop ? web-0'])).toBe('unknown');
    expect(judge(['shopping 1.3.0 web-0'])).toBe('unknown');
    expect(judge(['psql'], [{ kind: 'client', name: 'psql', because: 'it is me' }])).toBe('pass');
  });

  it('take what merely mentions it for no proof of either', () => {
    const view = { what: 'view v', shape: 'customers.name', how: 'it is one' } as const;
    expect(judgeDependants([], []).verdict).toBe('pass');
    expect(judgeDependants([{ ...view, use: 'unreadable' }], []).verdict).toBe('unknown');
    expect(
      judgeDependants(
        [
          { ...view, use: 'takes all' },
          { ...view, use: 'names' },
        ],
        [],
      ).verdict,
    ).toBe('fail');
    expect(judgeDependants([{ ...view, use: 'names' }], [{ kind: 'dependant', name: 'view v', because: 'unused' }]).verdict).toBe('pass');
  });
});
