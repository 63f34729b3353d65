import type { Condition, Flag, FlagSet, Segment, Serve } from '../src/index.ts';

/** A boolean flag that is on for everybody, but for what a test says. */
export function aFlag(parts: Partial<Flag> = {}): Flag {
  return {
    type: 'release',
    valueType: 'boolean',
    variants: { on: true, off: false },
    enabled: true,
    off: 'off',
    rules: [],
    default: { variant: 'on' },
    prerequisites: [],
    salt: 'salt',
    hash: 1,
    stale: null,
    about: {
      name: 'A flag',
      description: 'What it is for.',
      owner: 'team',
      tags: [],
      createdAt: '2026-11-01T00:00:00Z',
      expiresAt: '2026-12-31T00:00:00Z',
    },
    ...parts,
  };
}

/** A flag that is on for whom a condition holds, and off for anybody else. */
export function flagFor(when: Condition, parts: Partial<Flag> = {}): Flag {
  return aFlag({ rules: [{ name: 'only', when, serve: { variant: 'on' } }], default: { variant: 'off' }, ...parts });
}

export function aSet(flags: Readonly<Record<string, Flag>>, segments: Readonly<Record<string, Segment>> = {}): FlagSet {
  return { format: 1, environment: 'test', seq: 1, flags, segments };
}

/** `on` for this many thousandths of a percent. */
export function share(on: number): Serve {
  return {
    weights: [
      { variant: 'on', weight: on },
      { variant: 'off', weight: 100_000 - on },
    ],
  };
}
