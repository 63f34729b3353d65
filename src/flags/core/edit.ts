import type { About, Flag, FlagValue, Rule, Serve, Split } from '../../../packages/flags/src/core/definition.ts';
import { SlipwayError } from '../../kernel/pure.ts';

/** Everybody, in thousandths of a percent. */
export const EVERYBODY = 100_000;

export interface Share {
  /** In thousandths of a percent. */
  readonly weight: number;
  /** Who gets it; by default the one that the flag deals already, else the only one beside the safe one. */
  readonly variant: string | null;
  /** Attribute that sticks to a variant; by default as it is. */
  readonly by: string | null;
}

/**
 * A share of everybody gets a variant, the others the safe one. Where nothing was dealt before, the variant comes first, so that a greater
 * share only adds to it. None and all are shares too: who deals by an attribute goes on doing so.
 * @throws SlipwayError `usage` when it is not clear which variant is meant
 */
export function withShare(flag: Flag, { weight, variant, by }: Share): Flag {
  const dealt = variant ?? dealtVariant(flag);
  const weights = [
    { variant: dealt, weight },
    { variant: flag.off, weight: EVERYBODY - weight },
  ];
  return withSplit(flag, weights, by);
}

/** Everybody is dealt by these weights. */
export function withSplit(flag: Flag, weights: Split['weights'], by: string | null): Flag {
  return { ...flag, default: splitAfter(flag.default, weights, by) };
}

/**
 * A split in the place of what was served before. What was dealt stays where it was: by the same attribute where none is given, with the same
 * salt, and in the same order, for a share that grows from another end takes the variant from those who had it.
 */
export function splitAfter(before: Serve | null, weights: Split['weights'], by: string | null): Split {
  const dealt: Partial<Split> = before !== null && 'weights' in before ? before : {};
  const known = (dealt.weights ?? []).map(({ variant }) => variant);
  const placeOf = (variant: string): number => (known.includes(variant) ? known.indexOf(variant) : known.length);
  const ordered = weights.toSorted((a, b) => placeOf(a.variant) - placeOf(b.variant));
  return splitOf(ordered, by ?? dealt.by ?? null, dealt.salt ?? null);
}

/** A split, with an attribute and a salt only where they are not the usual ones. */
function splitOf(weights: Split['weights'], by: string | null, salt: string | null): Split {
  return { weights, ...(by === null || by === 'targetingKey' ? {} : { by }), ...(salt === null ? {} : { salt }) };
}

function dealtVariant({ default: serve, variants, off }: Flag): string {
  const others = Object.keys(variants).filter((name) => name !== off);
  const dealt =
    'weights' in serve
      ? serve.weights.map((one) => one.variant).filter((name) => name !== off)
      : [serve.variant].filter((name) => name !== off);
  const [only, second] = dealt.length > 0 ? dealt : others;
  if (only !== undefined && second === undefined) return only;
  throw new SlipwayError('usage', `Which variant is meant is not clear: there are ${[...Object.keys(variants)].join(', ')}`, {
    hint: 'Name it with --variant, or deal several at once with --split.',
  });
}

/** Where a rule is put: where one of its name stands, else at the end; or at the front, or before another one. */
export type RulePlace = { readonly at: 'usual' | 'front' } | { readonly before: string };

/** The rule in its place, instead of one of the same name. @throws SlipwayError `not_found` when there is no rule to put it before */
export function withRule(flag: Flag, rule: Rule, place: RulePlace): Flag {
  const index = flag.rules.findIndex(({ name }) => name === rule.name);
  if ('at' in place && place.at === 'usual' && index >= 0) return { ...flag, rules: flag.rules.with(index, rule) };
  const others = flag.rules.filter(({ name }) => name !== rule.name);
  const at = 'before' in place ? indexOf(others, place.before) : place.at === 'front' ? 0 : others.length;
  return { ...flag, rules: others.toSpliced(at, 0, rule) };
}

/** @throws SlipwayError `not_found` */
export function withoutRule(flag: Flag, name: string): Flag {
  return { ...flag, rules: flag.rules.toSpliced(indexOf(flag.rules, name), 1) };
}

function indexOf(rules: readonly Rule[], name: string): number {
  const index = rules.findIndex((rule) => rule.name === name);
  if (index >= 0) return index;
  const known = rules.map((rule) => rule.name).join(', ');
  throw new SlipwayError('not_found', `There is no rule ${name}`, {
    hint: known === '' ? 'The flag has no rules.' : `The flag has ${known}.`,
  });
}

/** Values that are added or changed, then variants that are taken away. @throws SlipwayError `not_found` for one that is not there */
export function withVariants(flag: Flag, given: readonly (readonly [string, FlagValue])[], without: readonly string[]): Flag {
  const variants = new Map([...Object.entries(flag.variants), ...given]);
  for (const name of without) {
    if (!variants.delete(name))
      throw new SlipwayError('not_found', `There is no variant ${name}`, { hint: `There are ${[...variants.keys()].join(', ')}.` });
  }
  return { ...flag, variants: Object.fromEntries(variants) };
}

/** What people know of it, changed where something was said. */
export function withAbout(flag: Flag, changes: Partial<About>): Flag {
  return { ...flag, about: { ...flag.about, ...changes } };
}
