import type { Flag } from '../../packages/flags/src/core/definition.ts';

/** Of the contract of the flag store: a flag that says what tells it apart. */
export function aFlag(changes: Partial<Flag> = {}): Flag {
  return {
    type: 'release',
    valueType: 'boolean',
    variants: { off: false, on: true },
    enabled: true,
    off: 'off',
    rules: [],
    default: { variant: 'on' },
    prerequisites: [],
    salt: 'salt',
    hash: 1,
    stale: null,
    about: {
      name: '',
      description: '',
      owner: 'shop',
      tags: [],
      createdAt: '2026-11-30T00:00:00.000Z',
      expiresAt: '2027-11-30T00:00:00.000Z',
    },
    ...changes,
  };
}
