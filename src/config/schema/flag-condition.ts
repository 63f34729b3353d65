import { z } from 'zod';
import { parsePercent, type Condition, type Serve } from '../../flags/index.ts';
import { nonBlank, section } from './scalars.ts';

/** `12.5%` -> thousandths of a percent. */
const share = z
  .string('a share in percent such as 10%')
  .meta({ pattern: '^[0-9]{1,3}(\\.[0-9]{1,3})?%$' })
  .transform((text, context) => {
    const found = parsePercent(text);
    if (found !== null) return found;
    context.addIssue({ code: 'custom', message: `"${text}" is not a share; write it in percent from 0% to 100%, such as 12.5%` });
    return z.NEVER;
  });

const scalar = z.union([z.string(), z.number(), z.boolean()], 'text, a number, or true or false');
const texts = z.union([z.string(), z.array(z.string()).min(1, 'is an empty list')], 'text, or a list of texts');
const version = z.string('a version in quotes such as "2.1.0"');
const yes = z.literal(true);

/** Operators with the form of what they compare with. */
const OPERATORS = {
  exists: yes.optional().describe('The attribute is there, and not null.'),
  missing: yes.optional().describe('The attribute is not there, or null.'),
  eq: scalar.optional().describe('Equal, of the same type.'),
  ne: scalar.optional().describe('Not equal, of the same type. A missing attribute does not match.'),
  in: z.array(scalar).min(1, 'is an empty list').optional().describe('One of these.'),
  notIn: z.array(scalar).min(1, 'is an empty list').optional().describe('None of these. A missing attribute does not match.'),
  contains: z.string().optional().describe('Text that has this part, or a list that has this element.'),
  notContains: z.string().optional().describe('Text without this part, or a list without this element.'),
  startsWith: texts.optional().describe('Begins with this, or with one of these.'),
  endsWith: texts.optional().describe('Ends with this, or with one of these.'),
  matches: z.string().optional().describe('A regular expression of the safe subset, found anywhere.'),
  lt: z.number().optional().describe('Less than.'),
  lte: z.number().optional().describe('At most.'),
  gt: z.number().optional().describe('Greater than.'),
  gte: z.number().optional().describe('At least.'),
  semverEq: version.optional().describe('The same version.'),
  semverLt: version.optional().describe('An older version.'),
  semverLte: version.optional().describe('This version, or an older one.'),
  semverGt: version.optional().describe('A newer version.'),
  semverGte: version.optional().describe('This version, or a newer one.'),
  before: z.string().optional().describe('A moment before this one (ISO 8601).'),
  after: z.string().optional().describe('A moment after this one (ISO 8601).'),
};
const OPERATOR_NAMES = Object.keys(OPERATORS) as readonly (keyof typeof OPERATORS)[];
const VALUES: ReadonlySet<string> = new Set(['in', 'notIn', 'startsWith', 'endsWith']);
const KINDS = ['all', 'any', 'not', 'segment', 'percentage', 'attribute'] as const;

/** One condition of a file; exactly one of {@link KINDS} says what it is. */
const condition: z.ZodType<Condition> = z.lazy(() =>
  section({
    all: z.array(condition).optional().describe('All of these hold.'),
    any: z.array(condition).optional().describe('At least one of these holds.'),
    not: condition.optional().describe('This does not hold; a missing attribute does not make it true.'),
    segment: nonBlank.optional().describe('The context is in this segment.'),
    percentage: share.optional().describe('This share of contexts, always the same ones.'),
    by: nonBlank.optional().describe('Attribute that decides the share (default targetingKey).'),
    salt: nonBlank.optional().describe('Deal alike in everything with the same salt.'),
    attribute: nonBlank.optional().describe('Path of an attribute of the context, such as plan or user.country.'),
    ignoreCase: z.boolean().optional().describe('startsWith and endsWith take upper and lower case as the same.'),
    ...OPERATORS,
  }, ofApi).transform((given, context) => {
    const made = conditionOf(given);
    if (typeof made !== 'string') return made;
    context.addIssue({ code: 'custom', message: made });
    return z.NEVER;
  }),
);

/** Whoever copies a condition out of the API, or out of `--json`, is told how a file says it. */
function ofApi(given: unknown): string | null {
  if (typeof given !== 'object' || given === null || !('operator' in given)) return null;
  const { operator, value, values, ...rest } = given as Readonly<Record<string, unknown>>;
  if (typeof operator !== 'string' || !Object.hasOwn(OPERATORS, operator)) return null;
  return `is how the API writes a condition; in a file it is ${JSON.stringify({ ...rest, [operator]: values ?? value ?? true })}`;
}

type Given = { readonly [Key in (typeof KINDS)[number] | keyof typeof OPERATORS | 'by' | 'salt' | 'ignoreCase']?: unknown };

/** The condition, or why it is none. */
function conditionOf(given: Given): Condition | string {
  const kinds = KINDS.filter((kind) => given[kind] !== undefined);
  const [kind, second] = kinds;
  if (kind === undefined) return 'says nothing to hold: write attribute with an operator, segment, percentage, all, any or not';
  if (second !== undefined) return `says ${kinds.join(' and ')} at once; put them in a list under all or any`;
  const operators = OPERATOR_NAMES.filter((name) => given[name] !== undefined);
  if (kind === 'attribute') return comparisonOf(given, operators);
  const strange = [...operators, ...(given.ignoreCase === undefined ? [] : ['ignoreCase'])];
  if (strange.length > 0) return `says ${strange.join(', ')} without an attribute`;
  const dealt = dealtBy(given);
  if (kind !== 'percentage' && Object.keys(dealt).length > 0) return `says ${Object.keys(dealt).join(' and ')}, which belong to a percentage`;
  return { [kind]: given[kind], ...dealt } as Condition;
}

function comparisonOf(given: Given, operators: readonly (keyof typeof OPERATORS)[]): Condition | string {
  const [operator, second] = operators;
  if (operator === undefined) return `compares ${String(given.attribute)} with nothing; the operators are ${OPERATOR_NAMES.join(', ')}`;
  if (second !== undefined) return `says ${operators.join(' and ')} at once; put them in a list under all or any`;
  if (given.by !== undefined || given.salt !== undefined) return 'says by or salt, which belong to a percentage';
  const isText = operator === 'startsWith' || operator === 'endsWith';
  if (given.ignoreCase !== undefined && !isText) return 'says ignoreCase, which belongs to startsWith and endsWith';
  const ignoreCase = given.ignoreCase === undefined ? {} : { ignoreCase: given.ignoreCase };
  return { attribute: given.attribute, operator, ...operandOf(operator, given[operator]), ...ignoreCase } as Condition;
}

function operandOf(operator: string, operand: unknown): object {
  if (operator === 'exists' || operator === 'missing') return {};
  if (!VALUES.has(operator)) return { value: operand };
  return { values: Array.isArray(operand) ? operand : [operand] };
}

function dealtBy({ by, salt }: Given): object {
  return { ...(by === undefined ? {} : { by }), ...(salt === undefined ? {} : { salt }) };
}

/** What must hold; a list means all of them. */
export const when = z
  .union([condition, z.array(condition)])
  .transform((given): Condition => (Array.isArray(given) ? { all: given } : given));

const shares = z.union([
  z.record(nonBlank, share).superRefine((given, context) => {
    const moved = Object.keys(given).find((name) => /^\d+$/.test(name));
    // A map of a program does not keep the order of such keys, and the order decides who is added when a share grows.
    if (moved !== undefined) context.addIssue({ code: 'custom', message: `"${moved}" is a number; write the shares as a list: - { "${moved}": 50% }` });
  }),
  z.array(z.record(nonBlank, share)).min(1, 'is an empty list'),
]);

/** A variant's name, or a split of everybody. */
export const serve = z
  .union([
    nonBlank,
    section({
      split: shares.describe('Share of each variant, 100% together. Their order counts: raising the first one only adds to it.'),
      by: nonBlank.optional().describe('Attribute that sticks to a variant (default targetingKey).'),
      salt: nonBlank.optional().describe("Deal alike in everything with the same salt (default: the flag's)."),
    }),
  ])
  .transform((given): Serve => {
    if (typeof given === 'string') return { variant: given };
    const weights = [given.split].flat().flatMap((one) => Object.entries(one).map(([variant, weight]) => ({ variant, weight })));
    return { weights, ...dealtBy(given) };
  });
