import { boundOf, EVERYBODY, stickyHash } from './bucket.ts';
import { compileComparison, NO, UNFIT, YES } from './comparison.ts';
import type { Comparison, Condition, FlagSet, Segment } from './definition.ts';
import { hashPrefix } from './hash.ts';
import { interner, type Interner, type Test } from './interner.ts';
import { DefinitionProblem } from './problem.ts';
import { quickTest } from './quick.ts';

/** Groups within groups, segments counted. */
const MAX_DEPTH = 32;

/** What the conditions of one flag set are compiled with. */
export interface Conditions {
  readonly interned: Interner;
  readonly segments: ReadonlyMap<string, Segment>;
  readonly compiledSegments: Map<string, CompiledSegment>;
  /** What was met since this was last cleared. */
  met: Met;
}

interface Met {
  /** A percentage took the salt of the flag. */
  readonly salt: boolean;
  /** The depth reached. */
  readonly depth: number;
}

interface CompiledSegment extends Met {
  readonly test: Test;
}

const NOTHING: Met = { salt: false, depth: 0 };

/** To compile the conditions of one set with. */
export function conditionsOf(segments: FlagSet['segments']): Conditions {
  return { interned: interner(), segments: new Map(Object.entries(segments)), compiledSegments: new Map(), met: NOTHING };
}

function meet(conditions: Conditions, { salt, depth }: Met): void {
  conditions.met = { salt: conditions.met.salt || salt, depth: Math.max(conditions.met.depth, depth) };
}

/** Where a condition stands. */
interface Place {
  readonly salt: string;
  readonly negated: boolean;
  readonly depth: number;
}

/**
 * Compiles a condition. `not` goes down to the comparisons, so that an attribute that is missing matches neither way.
 * @param salt the flag's, for percentages without one
 * @throws DefinitionProblem (or, for what is no condition at all, a TypeError)
 */
export function compileCondition(conditions: Conditions, condition: Condition, salt: string): Test {
  return compile(conditions, condition, { salt, negated: false, depth: 0 });
}

function compile(conditions: Conditions, condition: Condition, outer: Place): Test {
  const place = { ...outer, depth: outer.depth + 1 };
  checkDepth(place.depth);
  if (place.depth > conditions.met.depth) meet(conditions, { salt: false, depth: place.depth });
  if (typeof condition !== 'object' || condition === null) throw new DefinitionProblem('has a condition that is none');
  if (has(condition, 'attribute')) return compileLeaf(conditions, condition, place.negated);
  if (has(condition, 'all')) return compileGroup(conditions, condition.all, !place.negated, place);
  if (has(condition, 'any')) return compileGroup(conditions, condition.any, place.negated, place);
  if (has(condition, 'not')) return compile(conditions, condition.not, { ...place, negated: !place.negated });
  if (has(condition, 'segment')) return compileSegment(conditions, condition.segment, place);
  if (has(condition, 'percentage')) return compilePercentage(conditions, condition, place);
  throw new DefinitionProblem('has a condition of a kind that this build does not know');
}

function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw new DefinitionProblem(`has conditions more than ${MAX_DEPTH} deep, or a segment within itself`);
}

type Kind = 'attribute' | 'all' | 'any' | 'not' | 'segment' | 'percentage';

/** By own properties: what happened to `Object.prototype` makes no condition another one. */
function has<K extends Kind>(condition: Condition, kind: K): condition is Extract<Condition, Readonly<Record<K, unknown>>> {
  return Object.hasOwn(condition, kind);
}

function compileLeaf({ interned }: Conditions, comparison: Comparison, negated: boolean): Test {
  return interned.test(`${String(negated)} ${JSON.stringify(comparison)}`, 1, () => {
    const read = interned.reader(comparison.attribute);
    const { check, opposite } = compileComparison(comparison);
    const wanted = opposite === negated ? YES : NO;
    const name = interned.soleName(comparison.attribute);
    const quick = name === null || negated ? null : quickTest(comparison, name);
    if (quick !== null) return quick;
    // What is missing answers `exists`, and nothing else.
    if (name === null || check(undefined) !== UNFIT) return (context) => check(read(context)) === wanted;
    // Most comparisons do not hold, and then it does not matter whose the attribute was.
    return (context) => check(context[name]) === wanted && Object.hasOwn(context, name);
  });
}

type Percentage = Extract<Condition, { readonly percentage: number }>;

function compilePercentage(conditions: Conditions, condition: Percentage, { negated, salt: flagSalt }: Place): Test {
  const { percentage } = condition;
  const { by, salt } = dealtBy(condition, flagSalt);
  if (salt === flagSalt) meet(conditions, { salt: true, depth: 0 });
  const whole = Number.isInteger(percentage) && percentage >= 0 && percentage <= EVERYBODY;
  if (!whole) throw new DefinitionProblem(`has a percentage that is no whole number from 0 to ${EVERYBODY}`);
  return conditions.interned.test(`% ${String(negated)} ${JSON.stringify([percentage, by, salt])}`, 1, () => {
    const read = conditions.interned.reader(by);
    const prefix = hashPrefix(salt);
    const bound = boundOf(percentage);
    return (context) => {
      const hash = stickyHash(prefix, read(context));
      return hash >= 0 && hash < bound !== negated;
    };
  });
}

/** What decides buckets: what a split or a percentage says, or the flag. */
export function dealtBy(
  said: { readonly by?: string; readonly salt?: string },
  flagSalt: string,
): { readonly by: string; readonly salt: string } {
  const own = (name: 'by' | 'salt', otherwise: string): string => (Object.hasOwn(said, name) ? said[name] : undefined) ?? otherwise;
  return { by: own('by', 'targetingKey'), salt: own('salt', flagSalt) };
}

/** All of the parts, or any of them. Which it is, and that of the opposites, is decided: `place` says whether they are. */
function compileGroup(conditions: Conditions, list: readonly Condition[], all: boolean, place: Place): Test {
  const { interned } = conditions;
  const parts = [...new Set(list.map((condition) => compile(conditions, condition, place)))];
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const cost = parts.reduce((sum, part) => sum + interned.costOf(part), 1);
  const key = `${all ? 'all' : 'any'} ${parts.map((part) => interned.idOf(part)).join(' ')}`;
  return interned.test(key, cost, () => (all ? allOf(parts) : anyOf(parts)));
}

function allOf(parts: readonly Test[]): Test {
  return (context) => {
    for (const part of parts) if (!part(context)) return false;
    return true;
  };
}

function anyOf(parts: readonly Test[]): Test {
  return (context) => {
    for (const part of parts) if (part(context)) return true;
    return false;
  };
}

/** Once for all flags, unless a percentage within takes the salt of the flag. */
function compileSegment(conditions: Conditions, name: string, place: Place): Test {
  const segment = conditions.segments.get(name);
  if (segment === undefined) throw new DefinitionProblem(`asks for the segment ${JSON.stringify(name)}, which is not there`);
  const forAll = JSON.stringify([place.negated, name]);
  const forFlag = JSON.stringify([place.negated, name, place.salt]);
  const known = conditions.compiledSegments.get(forAll) ?? conditions.compiledSegments.get(forFlag);
  const { test, salt, depth } = known ?? compileFresh(conditions, segment, place);
  // As deep as if it was written out here, so that the order in which flags are compiled decides nothing.
  checkDepth(place.depth + depth);
  if (known === undefined) conditions.compiledSegments.set(salt ? forFlag : forAll, { test, salt, depth });
  meet(conditions, { salt, depth: place.depth + depth });
  return test;
}

/** The segment with what is met in it alone; `depth` counts from where it stands. */
function compileFresh(conditions: Conditions, segment: Segment, place: Place): CompiledSegment {
  const before = conditions.met;
  conditions.met = NOTHING;
  const test = compile(conditions, segment.when, place);
  const { salt, depth } = conditions.met;
  conditions.met = before;
  return { test, salt, depth: depth - place.depth };
}
