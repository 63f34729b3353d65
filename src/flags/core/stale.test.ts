import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OFF_FLAG } from '../../../test/support/flag.ts';
import type { Flag } from '../../../packages/flags/src/core/definition.ts';
import { readLife } from './life.ts';
import { judgeLife, type StaleFacts, type StaleReason } from './stale.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 30);
const flag = (changes: Partial<Flag> = {}): Flag => ({ ...OFF_FLAG, enabled: true, ...changes });
const on = flag({ default: { variant: 'on' } });
const dealt = flag({
  default: {
    weights: [
      { variant: 'on', weight: 50_000 },
      { variant: 'off', weight: 50_000 },
    ],
  },
});
/** As `flag set --percentage 100` writes it. */
const whole = flag({
  default: {
    weights: [
      { variant: 'on', weight: 100_000 },
      { variant: 'off', weight: 0 },
    ],
  },
});
const ops = (one: Flag): Flag => ({ ...one, type: 'ops' });
const until = (one: Flag, days: number): Flag => ({ ...one, about: { ...one.about, expiresAt: new Date(NOW + days * DAY).toISOString() } });

const FACTS: StaleFacts = {
  now: NOW,
  afterMs: 14 * DAY,
  counts: { asked: new Map([['release_a', 5]]), askedSince: new Map(), longEnough: true, askedForAll: false },
  code: { places: new Map([['release_a', 2]]), computed: 0 },
  requiredBy: new Map(),
};
const life = (days: number, variant: string | null = null, madeAt: number | null = NOW - 100 * DAY, dealtBy: readonly string[] = []) => ({
  madeAt,
  fixed: variant === null ? null : { variant, dealtBy, since: NOW - days * DAY, seq: 7 },
});
const silent = { ...FACTS.counts, asked: new Map<string, number>() };
const elsewhere = { places: new Map([['release_b', 1]]), computed: 0 };

describe('a flag', () => {
  it.each<[string, StaleReason, string, ReturnType<typeof judgeLife>]>([
    ['expired', 'expired', 'fail: expired 3d ago', judgeLife('release_a', until(dealt, -3), life(0), FACTS)],
    ['not expired', 'expired', 'pass: until 2027-02-01', judgeLife('release_a', dealt, life(0), FACTS)],
    [
      'on for 14 days',
      'one-variant',
      'fail: everybody has had on for 14d, since change 7',
      judgeLife('release_a', on, life(14, 'on'), FACTS),
    ],
    [
      'on for 13 days',
      'one-variant',
      'pass: everybody has had on for 13d, since change 7',
      judgeLife('release_a', on, life(13.9, 'on'), FACTS),
    ],
    [
      'dealt to everybody for 14 days',
      'one-variant',
      'fail: everybody with targetingKey has had on for 14d, since change 7',
      judgeLife('release_a', whole, life(14, 'on', NOW - 100 * DAY, ['targetingKey']), FACTS),
    ],
    [
      'off for long',
      'one-variant',
      'fail: everybody has had off for 20d (it is off), since change 7',
      judgeLife('release_a', OFF_FLAG, life(20, 'off'), FACTS),
    ],
    ['a switch', 'one-variant', 'pass: ops flags may serve the same for good', judgeLife('release_a', ops(on), life(400, 'on'), FACTS)],
    ['dealt', 'one-variant', 'pass: not everybody gets the same', judgeLife('release_a', dealt, life(0), FACTS)],
    ['asked for', 'never-evaluated', 'pass: counted 5 times', judgeLife('release_a', dealt, life(0), FACTS)],
    [
      'silent',
      'never-evaluated',
      'fail: never evaluated, as far back as is counted',
      judgeLife('release_a', dealt, life(0), { ...FACTS, counts: silent }),
    ],
    [
      'silent, young',
      'never-evaluated',
      'unknown: made less than 14d ago',
      judgeLife('release_a', dealt, life(0, null, NOW - 13 * DAY), { ...FACTS, counts: silent }),
    ],
    [
      'silent, of unknown age',
      'never-evaluated',
      'unknown: made less',
      judgeLife('release_a', dealt, life(0, null, null), { ...FACTS, counts: silent }),
    ],
    [
      'nothing counted at all',
      'never-evaluated',
      'unknown: nothing was counted here',
      judgeLife('release_a', dealt, life(0), { ...FACTS, counts: { ...silent, longEnough: false } }),
    ],
    [
      'asked by OFREP',
      'never-evaluated',
      'unknown: not counted; but clients',
      judgeLife('release_a', dealt, life(0), { ...FACTS, counts: { ...silent, askedForAll: true } }),
    ],
    [
      'silent, required',
      'never-evaluated',
      'pass: release_c requires it',
      judgeLife('release_a', dealt, life(0), { ...FACTS, counts: silent, requiredBy: new Map([['release_a', 'release_c']]) }),
    ],
    ['in the code', 'not-in-code', 'pass: in 2 places of the code', judgeLife('release_a', dealt, life(0), FACTS)],
    ['not in the code', 'not-in-code', 'fail: nowhere in the code', judgeLife('release_a', dealt, life(0), { ...FACTS, code: elsewhere })],
    [
      'not in the code, and asked for all the same',
      'not-in-code',
      'pass: not in this code, but counted 3 times in the last 14d: other code asks for it',
      judgeLife('release_a', dealt, life(0), {
        ...FACTS,
        code: elsewhere,
        counts: { ...FACTS.counts, askedSince: new Map([['release_a', 3]]) },
      }),
    ],
    [
      'not in the code, required',
      'not-in-code',
      'pass: release_c requires it',
      judgeLife('release_a', dealt, life(0), { ...FACTS, code: elsewhere, requiredBy: new Map([['release_a', 'release_c']]) }),
    ],
    [
      'computed keys',
      'not-in-code',
      'unknown: not in the code by its name; 1 of its calls',
      judgeLife('release_a', dealt, life(0), { ...FACTS, code: { ...elsewhere, computed: 1 } }),
    ],
    [
      'code without flags',
      'not-in-code',
      'unknown: no flag at all',
      judgeLife('release_a', dealt, life(0), { ...FACTS, code: { places: new Map(), computed: 0 } }),
    ],
    [
      'no repository',
      'not-in-code',
      'unknown: this folder',
      judgeLife('release_a', dealt, life(0), { ...FACTS, code: { why: 'this folder is none' } }),
    ],
  ])('that is %s', (_what, name, told, { checks, verdict }) => {
    const found = checks.find((check) => check.name === name);
    expect(`${found?.verdict}: ${found?.reason}`).toContain(told);
    // The others say nothing against it.
    expect(checks.filter((check) => check.name !== name).map((check) => check.verdict)).toEqual(['pass', 'pass', 'pass']);
    expect(verdict).toBe(found?.verdict);
  });
});

describe('the history of a flag', () => {
  const versions = fc.array(
    fc.constantFrom<Flag | null>(
      on,
      whole,
      OFF_FLAG,
      dealt,
      null,
      flag({ variants: { off: true, on: false }, default: { variant: 'off' } }),
    ),
    {
      minLength: 1,
      maxLength: 12,
    },
  );
  const valueOf = (one: Flag | null | undefined): unknown => {
    if (one === null || one === undefined || one === dealt) return undefined;
    if (one === whole) return one.variants['on'];
    return one.variants[one.enabled && 'variant' in one.default ? one.default.variant : one.off];
  };

  it('says since when everybody has the same value, and whether it was there long ago', () => {
    fc.assert(
      fc.property(versions, fc.nat(12), (all, longAgo) => {
        const current = all.at(-1) ?? on;
        const states = [...all.slice(0, -1), current];
        const changes = states.map((after, index) => ({ seq: index + 1, at: index + 1, before: states[index - 1] ?? null, after }));
        const { take, life } = readLife(current, longAgo);
        for (const change of changes.toReversed()) if (!take(change)) break;
        const { madeAt, fixed } = life();
        const made = changes.findLast(({ before }) => before === null)?.at ?? Number.NaN;
        expect(madeAt === made || (madeAt !== null && madeAt <= longAgo && madeAt > made)).toBe(true);
        const run = changes.filter(({ at, after }) => at >= made && valueOf(after) === valueOf(current));
        expect(fixed?.dealtBy ?? []).toEqual(current === whole ? ['targetingKey'] : []);
        const broken = changes.findLast(({ after }) => valueOf(after) !== valueOf(current))?.at ?? 0;
        expect(fixed?.since).toBe(valueOf(current) === undefined ? undefined : run.find(({ at }) => at > broken)?.at);
      }),
    );
  });
});
