import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OFF_FLAG } from '../../../../test/support/flag.ts';
import { flagSets } from '../../../../test/support/flags.ts';
import { refuseInvalid, type Flag, type FlagSet } from '../../../flags/index.ts';
import { flagSchema, segmentSchema } from './flag-schema.ts';

const EMPTY: FlagSet = { format: 1, environment: 'dev', seq: 0, flags: {}, segments: {} };
const long = (length: number): string => 'x'.repeat(length);

/** As large as everything in it may be. */
const LARGEST: Flag = {
  ...OFF_FLAG,
  rules: [
    {
      name: long(200),
      when: {
        all: [
          { attribute: long(300), operator: 'eq', value: long(1_000) },
          { attribute: 'a', operator: 'contains', value: long(1_000) },
          { attribute: 'a', operator: 'endsWith', values: [long(1_000)] },
          { attribute: 'a', operator: 'semverGte', value: `1.2.3-${long(250)}` },
          { attribute: 'a', operator: 'after', value: '2026-11-30T04:40:00.123456789+01:00' },
          { percentage: 100_000, by: long(300), salt: long(1_000) },
        ],
      },
      serve: { weights: [{ variant: 'on', weight: 100_000 }], by: long(300), salt: long(1_000) },
    },
  ],
  salt: long(1_000),
  stale: { afterMs: 366 * 86_400_000 },
  about: {
    ...OFF_FLAG.about,
    name: long(200),
    description: long(5_000),
    owner: long(200),
    tags: Array.from({ length: 50 }, () => long(200)),
  },
};

test('what may be in a file or in the store may be sent by the API too: its shape refuses nothing that is right', () => {
  refuseInvalid(EMPTY, { ...EMPTY, flags: { release_a: LARGEST } });
  expect(flagSchema.safeParse(LARGEST)).toMatchObject({ success: true });
  fc.assert(
    fc.property(flagSets(), ({ flags, segments }) => {
      for (const flag of Object.values(flags)) expect(flagSchema.parse(flag)).toEqual(flag);
      for (const segment of Object.values(segments)) expect(segmentSchema.parse(segment)).toEqual(segment);
    }),
    { numRuns: 200 },
  );
});
