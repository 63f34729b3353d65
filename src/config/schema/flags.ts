import { z } from 'zod';
import type { FlagValue } from '../../flags/index.ts';
import { serve, when } from './flag-condition.ts';
import { name, nonBlank, positiveDuration, section } from './scalars.ts';

/** A day, or a moment with its zone -> ISO 8601 in UTC. */
const date = z.string('a day such as 2027-03-31').transform((text, context) => {
  const isDate = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const at = isDate ? new Date(text).getTime() : Number.NaN;
  // 2027-02-31 is read as the third of March.
  if (Number.isFinite(at) && (text.length > 10 || new Date(at).toISOString().startsWith(text))) return new Date(at).toISOString();
  context.addIssue({ code: 'custom', message: `"${text}" is not a day; write 2027-03-31, or a moment with its zone: 2027-03-31T12:00:00Z` });
  return z.NEVER;
});

const value: z.ZodType<FlagValue> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(value), z.record(z.string(), value)]),
);
const variantNames = z.union([nonBlank.transform((only) => [only]), z.array(nonBlank).min(1, 'is an empty list')]);

const rule = section({
  name: nonBlank.optional().describe('Told as the reason of an evaluation (default rule-1, rule-2, ...).'),
  when: when.describe('What must hold of the context; a list means all of them.'),
  serve: serve.describe('The variant, or a split.'),
});

const flagFields = {
  type: z.enum(['release', 'ops', 'experiment', 'permission']).optional().describe('Why the flag is there: release, ops, experiment or permission.'),
  name: z.string().optional().describe('What people call it.'),
  description: z.string().optional().describe('What it switches.'),
  owner: nonBlank.optional().describe('The person or team who answers for it.'),
  tags: z.array(nonBlank).optional().describe('Words to find it by.'),
  created: date.optional().describe('When it was made (default: when it is first applied).'),
  expires: date.nullable().optional().describe('When it should be gone; needed for release and experiment.'),
  valueType: z.enum(['boolean', 'string', 'number', 'json']).optional().describe('Type of its values (default: that of the variants).'),
  variants: z.record(nonBlank, value).optional().describe('Values by name (default: on is true, off is false).'),
  enabled: z.boolean().optional().describe('False: everybody gets the variant `off` (default true).'),
  off: nonBlank.optional().describe('The safe variant: served while the flag is off or a prerequisite is not met (default: the one called off).'),
  prerequisites: z
    .record(nonBlank, variantNames)
    .transform((given) => Object.entries(given).map(([flag, variants]) => ({ flag, variants })))
    .optional()
    .describe('Flags that must serve one of these variants to the same context.'),
  rules: z.array(rule).optional().describe('Tried in their order; the first that holds serves.'),
  default: serve.optional().describe('Served to whom no rule holds (default: the variant `off`).'),
  salt: nonBlank.optional().describe('Goes into the hash (default: the key); set it to the old key when a flag is renamed.'),
  stale: positiveDuration
    .transform((afterMs) => ({ afterMs }))
    .nullable()
    .optional()
    .describe('A client that heard nothing for longer serves the variant `off` (default: what it knew last).'),
};

const context = z.record(z.string(), value);
const expected = section({
  value: value.optional().describe('The value.'),
  variant: nonBlank.optional().describe('The variant.'),
  reason: z.enum(['STATIC', 'TARGETING_MATCH', 'SPLIT', 'DEFAULT', 'DISABLED', 'ERROR']).optional().describe("OpenFeature's reason."),
  rule: nonBlank.nullable().optional().describe('Name of the rule that decided; empty: none.'),
});
const test = section({
  name: nonBlank.optional().describe('What is tested, in a few words.'),
  environment: z.union([name.transform((only) => [only]), z.array(name).min(1)]).optional().describe('Where it must be so (default: everywhere).'),
  context: context.optional().describe('The context that is evaluated (default: empty).'),
  expect: z
    .union([nonBlank.transform((variant) => ({ variant })), expected])
    .describe('The variant; or value, variant, reason and rule, of which each that is named must be so.'),
});

/** An environment's own words: fields, or `absent`. */
function overrides<Shape extends z.ZodRawShape>(fields: Shape) {
  return z.record(name, z.union([z.literal('absent'), section(fields)]));
}

const flag = section({
  ...flagFields,
  environments: overrides(flagFields).optional().describe('What differs in one environment; each key replaces the one above. absent: the flag is not there. With nothing above, it is in these environments alone.'),
  tests: z.array(test).optional().describe('What `slipway flag test` asserts.'),
});

const segmentFields = {
  description: z.string().optional().describe('Who is in it.'),
  when: when.optional().describe('What must hold of the context; a list means all of them.'),
};
const segment = section({
  ...segmentFields,
  environments: overrides(segmentFields).optional().describe('What differs in one environment.'),
});

/** A file of the folder `flags`. */
export const flagsFileSchema = section({
  flags: z.record(nonBlank, flag).optional().describe('Flags by key.'),
  segments: z.record(nonBlank, segment).optional().describe('Named groups of contexts.'),
});

export type FlagsFile = z.output<typeof flagsFileSchema>;
