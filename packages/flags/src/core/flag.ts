import { boundOf, EVERYBODY, stickyHash } from './bucket.ts';
import { compileCondition, dealtBy, type Conditions } from './condition.ts';
import type { Flag, FlagValue, Reason, Serve, ValueType } from './definition.ts';
import { hashPrefix, type HashPrefix } from './hash.ts';
import type { Test } from './interner.ts';
import type { Attributes, Reader } from './path.ts';
import { DefinitionProblem } from './problem.ts';

/** What an evaluation can end in, made at compile time: an evaluation only picks one. */
export interface Outcome {
  readonly value: FlagValue;
  readonly variant: string;
  readonly reason: Reason;
  readonly rule: string | null;
  readonly prerequisite: string | null;
}

/** One outcome for everybody, or, with `fixed` null, a split. */
interface Serving {
  readonly fixed: Outcome | null;
  readonly split: Dealing | null;
}

/** With the hash of the salt in it, so that an evaluation has less to look up. */
interface Dealing extends HashPrefix {
  readonly read: Reader;
  /** Ascending; the outcome at the same index is for hashes below. */
  readonly bounds: readonly number[];
  readonly outcomes: readonly Outcome[];
  /** For who has nothing to stick to. */
  readonly without: Outcome;
}

/** A flag as evaluation needs it. */
export interface CompiledFlag {
  readonly valueType: ValueType;
  /** Not null: served to everybody, without a look at the context. */
  readonly always: Outcome | null;
  readonly prerequisites: readonly Requirement[];
  readonly tests: readonly Test[];
  /** What the test at the same index serves; the last, one more, is the default. */
  readonly servings: readonly Serving[];
}

interface Requirement {
  readonly flag: CompiledFlag;
  readonly variants: ReadonlySet<string>;
  /** Served when it is not met. */
  readonly unmet: Outcome;
}

/** What a flag is compiled with: of one set, so that what is equal is made once. */
export interface FlagCompiler {
  readonly conditions: Conditions;
  readonly outcomes: Map<string, Outcome>;
  readonly fixed: Map<Outcome, Serving>;
  /** Compiles the flag that a prerequisite names. Throws a DefinitionProblem when it is missing, broken, or leads back here. */
  readonly required: (key: string) => CompiledFlag;
}

type Why = Omit<Outcome, 'value' | 'variant'>;

/** The outcome for a context. Allocates nothing; throws only what a getter of the context throws. */
export function decide(flag: CompiledFlag, context: Attributes): Outcome {
  if (flag.always !== null) return flag.always;
  for (const { flag: required, variants, unmet } of flag.prerequisites) {
    if (!variants.has(decide(required, context).variant)) return unmet;
  }
  const { tests, servings } = flag;
  let index = 0;
  while (index < tests.length && tests[index]?.(context) !== true) index++;
  const serving = servings[index] as Serving;
  return serving.fixed ?? deal(serving.split as Dealing, context);
}

function deal(split: Dealing, context: Attributes): Outcome {
  const hash = stickyHash(split, split.read(context));
  if (hash < 0) return split.without;
  const { bounds } = split;
  let index = 0;
  while (hash >= (bounds[index] as number)) index++;
  return split.outcomes[index] as Outcome;
}

/** Own, and frozen through and through: nobody who was served a value can change what others are served. */
function frozen(value: FlagValue): FlagValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozen));
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, part]) => [name, frozen(part)])));
}

/** How the outcomes of one flag are made. */
function outcomesOf(flag: Flag, shared: Map<string, Outcome>): (variant: string, why: Why) => Outcome {
  const values = new Map(Object.entries(flag.variants).map(([name, value]) => [name, frozen(value)]));
  const own = new Map<string, Outcome>();
  return (variant, why) => {
    const value = values.get(variant);
    if (value === undefined) throw new DefinitionProblem(`serves the variant ${JSON.stringify(variant)}, which it does not have`);
    const made = typeof value === 'object' ? own : shared;
    const key = JSON.stringify([variant, made === own ? null : value, why.reason, why.rule, why.prerequisite]);
    const outcome = made.get(key) ?? { value, variant, reason: why.reason, rule: why.rule, prerequisite: why.prerequisite };
    made.set(key, outcome);
    return outcome;
  };
}

/**
 * @param silentForMs for how long nothing was heard of the server, which `stale` of a flag may mind
 * @throws DefinitionProblem (or, for what is no flag at all, a TypeError)
 */
export function compileFlag(flag: Flag, compiler: FlagCompiler, silentForMs: number): CompiledFlag {
  const outcome = outcomesOf(flag, compiler.outcomes);
  const off = (reason: Reason, prerequisite: string | null = null): Outcome => outcome(flag.off, { reason, rule: null, prerequisite });
  const base = { valueType: flag.valueType, prerequisites: [], tests: [], servings: [] };
  if (flag.hash !== 1) throw new DefinitionProblem(`is dealt by the hash ${String(flag.hash)}, which this build does not know`);
  // All of it is compiled even while it is off, so that turning it on again holds no surprise.
  const prerequisites = flag.prerequisites.map(({ flag: key, variants }) => ({
    flag: compiler.required(key),
    variants: new Set(variants),
    unmet: off('DEFAULT', key),
  }));
  const tests = flag.rules.map(({ when }) => compileCondition(compiler.conditions, when, flag.salt));
  const fixed = (one: Outcome): Serving => {
    const serving = compiler.fixed.get(one) ?? { fixed: one, split: null };
    compiler.fixed.set(one, serving);
    return serving;
  };
  const serving = (serve: Serve, rule: string | null, reason: Reason): Serving => {
    if (isFixed(serve)) return fixed(outcome(serve.variant, { reason, rule, prerequisite: null }));
    const bounds = boundsOf(serve.weights.map(({ weight }) => weight));
    const { by, salt } = dealtBy(serve, flag.salt);
    const split: Dealing = {
      read: compiler.conditions.interned.reader(by),
      ...hashPrefix(salt),
      bounds,
      outcomes: serve.weights.map(({ variant }) => outcome(variant, { reason: 'SPLIT', rule, prerequisite: null })),
      without: off('DEFAULT'),
    };
    return { fixed: null, split };
  };
  const isStatic = tests.length === 0 && prerequisites.length === 0;
  const servings = [
    ...flag.rules.map(({ name, serve }) => serving(serve, name, 'TARGETING_MATCH')),
    serving(flag.default, null, isStatic ? 'STATIC' : 'DEFAULT'),
  ];
  if (!flag.enabled) return { ...base, always: off('DISABLED') };
  if (flag.stale !== null && silentForMs > flag.stale.afterMs) return { ...base, always: off('STALE') };
  return { valueType: flag.valueType, always: isStatic ? (servings[0]?.fixed ?? null) : null, prerequisites, tests, servings };
}

function isFixed(serve: Serve): serve is Extract<Serve, { readonly variant: string }> {
  return Object.hasOwn(serve, 'variant');
}

/** The least hash that is not dealt to each of the weights. */
function boundsOf(weights: readonly number[]): readonly number[] {
  let sum = 0;
  const bounds = weights.map((weight) => {
    if (!Number.isInteger(weight) || weight < 0) throw new DefinitionProblem('has a weight that is no whole number');
    sum += weight;
    return boundOf(sum);
  });
  if (sum !== EVERYBODY) throw new DefinitionProblem(`has weights that sum up to ${sum}, not ${EVERYBODY}`);
  return bounds;
}
