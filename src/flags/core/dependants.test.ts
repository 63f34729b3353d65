import { expect, it } from 'vitest';
import { OFF_FLAG } from '../../../test/support/flag.ts';
import type { Flag } from '../../../packages/flags/src/core/definition.ts';
import { dependantsOf } from './dependants.ts';

const on = (...prerequisites: Flag['prerequisites'][number][]): Flag => ({ ...OFF_FLAG, enabled: true, prerequisites });
const needs = (flag: string, variant = 'on') => ({ flag, variants: [variant] });

it('tells who is off with a flag, by whatever way, and whom it makes no difference to any more', () => {
  const flags = {
    release_a: on(),
    release_b: on(needs('release_a')),
    release_c: on(needs('release_b')),
    release_d: on(needs('release_a', 'off')),
    release_e: on(needs('release_d')),
    release_f: { ...on(needs('release_a')), enabled: false },
    release_g: on(needs('release_x'), needs('release_c')),
    release_x: on(),
  };
  expect(dependantsOf({ flags }, 'release_a')).toEqual([
    { flag: 'release_b', isMet: false },
    { flag: 'release_d', isMet: true },
    { flag: 'release_c', isMet: false },
    { flag: 'release_g', isMet: false },
  ]);
  expect(dependantsOf({ flags }, 'release_x')).toEqual([{ flag: 'release_g', isMet: false }]);
  expect(dependantsOf({ flags }, 'release_g')).toEqual([]);
});

it('takes a flag for off that requires several, when one of these is not met', () => {
  const flags = {
    release_a: on(),
    release_b: on(needs('release_a', 'off'), needs('release_c')),
    release_c: on(needs('release_a')),
    release_d: on(needs('release_a'), needs('release_c', 'off')),
  };
  expect(dependantsOf({ flags }, 'release_a')).toEqual([
    { flag: 'release_b', isMet: false },
    { flag: 'release_c', isMet: false },
    { flag: 'release_d', isMet: false },
  ]);
});
