import { expect, it } from 'vitest';
import { compile, liveFlags } from '../src/index.ts';
import { aFlag, aSet } from './support.ts';

const on = compile(aSet({ release_it: aFlag() }));
const off = compile(aSet({ release_it: aFlag({ enabled: false }) }));

it('answers by what was put in last, also through a handle made before', () => {
  const flags = liveFlags(on);
  const handle = flags.flag('release_it');
  expect([flags.boolean('release_it', {}, false), handle.boolean({}, false)]).toEqual([true, true]);
  flags.replace(off);
  expect([flags.boolean('release_it', {}, true), handle.boolean({}, true)]).toEqual([false, false]);
  expect([flags.booleanDetails('release_it', {}, true).reason, handle.evaluate({}).reason]).toEqual(['DISABLED', 'DISABLED']);
});

it('gives a request one version for as long as it takes', () => {
  const flags = liveFlags(on);
  const request = flags.snapshot();
  flags.replace(off);
  expect(request.boolean('release_it', {}, false)).toBe(true);
  expect(flags.snapshot().boolean('release_it', {}, true)).toBe(false);
});
