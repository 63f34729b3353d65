import { describe, expect, it } from 'vitest';
import type { Flag } from '../../../packages/flags/src/core/definition.ts';
import { OFF_FLAG } from '../../../test/support/flag.ts';
import { checkFlag, flagsToTurnOff, isOff } from './carried-flags.ts';

const on: Flag = { ...OFF_FLAG, enabled: true, default: { variant: 'on' } };

describe('a flag that a release carries', () => {
  it('is off when nobody can get anything but the safe variant', () => {
    expect(isOff(OFF_FLAG)).toBe(true);
    expect(isOff({ ...OFF_FLAG, enabled: true })).toBe(true);
    expect(isOff(on)).toBe(false);
    const split = {
      weights: [
        { variant: 'on', weight: 1 },
        { variant: 'off', weight: 99_999 },
      ],
    };
    expect(isOff({ ...on, default: split })).toBe(false);
    expect(
      isOff({
        ...on,
        default: {
          weights: [
            { variant: 'on', weight: 0 },
            { variant: 'off', weight: 100_000 },
          ],
        },
      }),
    ).toBe(true);
    const rule = { name: 'staff', when: { segment: 'staff' }, serve: { variant: 'on' } };
    expect(isOff({ ...OFF_FLAG, enabled: true, rules: [rule] })).toBe(false);
  });

  it.each([
    ['does not exist', undefined, false, 'fail', /does not exist/],
    ['has no owner', { ...OFF_FLAG, about: { ...OFF_FLAG.about, owner: ' ' } }, false, 'fail', /nobody owns/],
    ['has no safe variant', { ...OFF_FLAG, off: 'none' }, false, 'fail', /not one of its variants/],
    ['is on', on, false, 'fail', /as soon as they reach/],
    ['is on, as it was for the version that serves', on, true, 'pass', /carries it too/],
    ['is off', OFF_FLAG, false, 'pass', /everybody gets off; shop owns it/],
  ] as const)('that %s', (_what, flag, known, verdict, reason) => {
    expect(checkFlag({ environment: 'prd', key: 'release_checkout', known }, flag)).toMatchObject({
      verdict,
      reason: expect.stringMatching(reason),
    });
  });

  it('is turned off on the way back, unless it was on before and the old version has it', () => {
    const snapshot = { environment: 'prd', seq: 1, sha256: '', flags: { a: on, b: OFF_FLAG } };
    expect(flagsToTurnOff(['a', 'b', 'c'], ['a', 'b', 'c'], snapshot)).toEqual(['b', 'c']);
    expect(flagsToTurnOff(['a'], [], snapshot)).toEqual(['a']);
    expect(flagsToTurnOff(['a'], ['a'], null)).toEqual(['a']);
  });
});
