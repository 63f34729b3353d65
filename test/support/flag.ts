import type { Flag } from '../../packages/flags/src/core/definition.ts';

/** A boolean flag that is off, and that shop owns. */
export const OFF_FLAG: Flag = {
  type: 'release',
  valueType: 'boolean',
  variants: { off: false, on: true },
  enabled: false,
  off: 'off',
  rules: [],
  default: { variant: 'off' },
  prerequisites: [],
  salt: 'release_checkout',
  hash: 1,
  stale: null,
  about: {
    name: '',
    description: '',
    owner: 'shop',
    tags: [],
    createdAt: '2026-11-01T00:00:00.000Z',
    expiresAt: '2027-02-01T00:00:00.000Z',
  },
};
