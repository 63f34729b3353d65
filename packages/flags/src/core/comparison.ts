import type { Comparison } from './definition.ts';
import { instantOf, parseInstant } from './instant.ts';
import { compilePattern, type Matcher } from './pattern.ts';
import { DefinitionProblem } from './problem.ts';
import { compareVersion, parseVersion } from './version.ts';

/** Does a value match? `UNFIT`: it is missing, or of a type the operator does not work on, so neither the comparison nor its opposite holds. */
export type Answer = 0 | 1 | -1;
export const [NO, YES]: readonly [0, 1] = [0, 1];
export const UNFIT = -1;

export type Check = (value: unknown) => Answer;

/** A check, and whether the comparison wants its opposite: `ne` is `eq`, `gte` is `lt`. */
export interface CompiledComparison {
  readonly check: Check;
  readonly opposite: boolean;
}

/** Elements beyond which an array is no list any more; nobody waits for a search through one that claims four billion. */
const MAX_ELEMENTS = 100_000;
const answer = (matches: boolean): Answer => (matches ? YES : NO);

function exists(value: unknown): Answer {
  return answer(value !== undefined && value !== null);
}

function equals(wanted: string | number | boolean): Check {
  const type = typeof wanted;
  // NaN equals nothing, and nothing differs from it either.
  return (value) => (value === wanted ? YES : typeof value === type && !Number.isNaN(value) ? NO : UNFIT);
}

/** What is compiled may come from a file nobody checked. */
function list<T>(values: readonly T[]): readonly T[] {
  const given: unknown = values;
  if (Array.isArray(given)) return values;
  throw new DefinitionProblem('compares with a list that is none');
}

/** Everything begins with nothing, which nobody means. */
function needle(text: string): string {
  if (typeof text !== 'string' || text === '') throw new DefinitionProblem('looks for a text that is empty, or none');
  return text;
}

function oneOf(values: readonly (string | number | boolean)[]): Check {
  const types = new Set<string>(values.map((value) => typeof value));
  const set = new Set<unknown>(values);
  return (value) => (types.has(typeof value) && !Number.isNaN(value) ? answer(set.has(value)) : UNFIT);
}

function contains(part: string): Check {
  return (value) => {
    if (typeof value === 'string') return answer(value.includes(part));
    if (!Array.isArray(value) || value.length > MAX_ELEMENTS) return UNFIT;
    for (let at = 0; at < value.length; at++) if (value[at] === part && Object.hasOwn(value, at)) return YES;
    return NO;
  };
}

/** A to Z only, so that it is the same in every language and version of Unicode. */
function lower(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function lowerCode(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}

/** Whether `part`, in lower case, stands in `text` at `from`, in any case. */
function standsAt(text: string, part: string, from: number): boolean {
  if (from < 0 || from + part.length > text.length) return false;
  for (let at = 0; at < part.length; at++) if (lowerCode(text.charCodeAt(from + at)) !== part.charCodeAt(at)) return false;
  return true;
}

function someOf(parts: readonly string[], has: (text: string, part: string) => boolean): Check {
  const [only = ''] = parts;
  if (parts.length === 1) return (value) => (typeof value === 'string' ? answer(has(value, only)) : UNFIT);
  return (value) => {
    if (typeof value !== 'string') return UNFIT;
    for (const part of parts) if (has(value, part)) return YES;
    return NO;
  };
}

function edge(comparison: Extract<Comparison, { readonly operator: 'startsWith' | 'endsWith' }>): Check {
  const { operator, ignoreCase } = comparison;
  const values = list(comparison.values).map(needle);
  if (ignoreCase === true) {
    const parts = values.map(lower);
    if (operator === 'startsWith') return someOf(parts, (text, part) => standsAt(text, part, 0));
    return someOf(parts, (text, part) => standsAt(text, part, text.length - part.length));
  }
  if (operator === 'startsWith') return someOf(values, (text, part) => text.startsWith(part));
  return someOf(values, (text, part) => text.endsWith(part));
}

/**
 * Strings longer than this match no pattern. A user of the service chooses the string: with the worst pattern that is accepted, one
 * evaluation must not take longer than a request may.
 */
const MAX_MATCHED = 2_000;

function matches(pattern: string): Check {
  const found: Matcher = compilePattern(pattern);
  return (value) => (typeof value === 'string' && value.length <= MAX_MATCHED ? answer(found(value)) : UNFIT);
}

function below(bound: number, orAt: boolean): Check {
  return (value) => {
    if (typeof value !== 'number' || Number.isNaN(value)) return UNFIT;
    return answer(value < bound || (orAt && value === bound));
  };
}

function version(target: string, holds: (order: number) => boolean): Check {
  const wanted = parseVersion(target);
  if (wanted === null) throw new DefinitionProblem(`"${target}" is no version`);
  return (value) => {
    const order = typeof value === 'string' ? compareVersion(value, wanted) : Number.NaN;
    return Number.isNaN(order) ? UNFIT : answer(holds(order));
  };
}

function instant(target: string, holds: (time: number, wanted: number) => boolean): Check {
  const wanted = parseInstant(target);
  if (Number.isNaN(wanted)) throw new DefinitionProblem(`"${target}" is no instant`);
  return (value) => {
    const time = instantOf(value);
    return Number.isNaN(time) ? UNFIT : answer(holds(time, wanted));
  };
}

function bound(value: unknown): number {
  if (typeof value !== 'number') throw new DefinitionProblem('compares with a bound that is no number');
  return value;
}

const as = (check: Check): CompiledComparison => ({ check, opposite: false });
const opposite = (check: Check): CompiledComparison => ({ check, opposite: true });

const isBefore = (order: number): boolean => order < 0;
const isUpTo = (order: number): boolean => order <= 0;
const isSame = (order: number): boolean => order === 0;

/**
 * @throws DefinitionProblem or PatternProblem when its target is none that the operator works on
 */
export function compileComparison(comparison: Comparison): CompiledComparison {
  switch (comparison.operator) {
    case 'exists':
      return as(exists);
    case 'missing':
      return opposite(exists);
    case 'eq':
      return as(equals(comparison.value));
    case 'ne':
      return opposite(equals(comparison.value));
    case 'in':
      return as(oneOf(list(comparison.values)));
    case 'notIn':
      return opposite(oneOf(list(comparison.values)));
    case 'contains':
      return as(contains(needle(comparison.value)));
    case 'notContains':
      return opposite(contains(needle(comparison.value)));
    case 'startsWith':
    case 'endsWith':
      return as(edge(comparison));
    case 'matches':
      return as(matches(comparison.value));
    default:
      return compileOrder(comparison);
  }
}

type Ordered = Extract<
  Comparison,
  { readonly operator: 'lt' | 'lte' | 'gt' | 'gte' | 'semverEq' | 'semverLt' | 'semverLte' | 'semverGt' | 'semverGte' | 'before' | 'after' }
>;

function compileOrder(comparison: Ordered): CompiledComparison {
  switch (comparison.operator) {
    case 'lt':
      return as(below(bound(comparison.value), false));
    case 'lte':
      return as(below(bound(comparison.value), true));
    case 'gt':
      return opposite(below(bound(comparison.value), true));
    case 'gte':
      return opposite(below(bound(comparison.value), false));
    case 'semverEq':
      return as(version(comparison.value, isSame));
    case 'semverLt':
      return as(version(comparison.value, isBefore));
    case 'semverLte':
      return as(version(comparison.value, isUpTo));
    case 'semverGt':
      return opposite(version(comparison.value, isUpTo));
    case 'semverGte':
      return opposite(version(comparison.value, isBefore));
    case 'before':
      return as(instant(comparison.value, (time, wanted) => time < wanted));
    case 'after':
      return as(instant(comparison.value, (time, wanted) => time > wanted));
    default:
      throw new DefinitionProblem(`has an operator that this build does not know: ${JSON.stringify((comparison as Comparison).operator)}`);
  }
}
