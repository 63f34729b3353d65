import type { Condition } from '../../../../packages/flags/src/core/definition.ts';
import { isJsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { allOf, anyOf, NotCarried, type Holds } from './told.ts';

/** JSONLogic, as flagd reads it (https://flagd.dev/reference/specifications/). */
export interface LogicScope {
  /** The condition an evaluator stands for, whether or not it is turned around. */
  readonly evaluator: (name: string, negated: boolean) => Holds;
  /** Told once for the flag. */
  readonly differs: (message: string) => void;
}

type Args = readonly JsonValue[];

/** The one operator of an expression, with its arguments as a list; null for a plain value. */
export function operation(expression: JsonValue): readonly [operator: string, args: Args] | null {
  if (!isJsonObject(expression)) return null;
  const [entry, second] = Object.entries(expression);
  if (entry === undefined || second !== undefined)
    throw new NotCarried(`has an expression that is none: ${JSON.stringify(expression).slice(0, 80)}`);
  return [entry[0], Array.isArray(entry[1]) ? (entry[1] as Args) : [entry[1]]];
}

/** When an expression is true; turned around when `negated`. A missing attribute is treated as flagd does, which our own `not` does not. */
export function holds(expression: JsonValue, negated: boolean, scope: LogicScope): Holds {
  const found = operation(expression);
  if (found === null) return Boolean(expression) !== negated;
  const [operator, args] = found;
  const each = (list: Args): readonly Holds[] => list.map((one) => holds(one, negated, scope));
  switch (operator) {
    case 'and':
      return negated ? anyOf(each(args)) : allOf(each(args));
    case 'or':
      return negated ? allOf(each(args)) : anyOf(each(args));
    case '!':
      return holds(args[0] ?? null, !negated, scope);
    case '!!':
      return holds(args[0] ?? null, negated, scope);
    case 'if':
    case '?:':
      return choice(args, negated, scope);
    case '$ref':
      return scope.evaluator(typeof args[0] === 'string' ? args[0] : '', negated);
    case 'missing':
      return missing(args.flat(), negated);
    default:
      return comparison(operator, args, negated, scope);
  }
}

function choice([test = null, yes = null, ...rest]: Args, negated: boolean, scope: LogicScope): Holds {
  const otherwise = rest.length < 2 ? holds(rest[0] ?? null, negated, scope) : choice(rest, negated, scope);
  const [is, isNot] = [holds(test, false, scope), holds(test, true, scope)];
  return anyOf([allOf([is, holds(yes, negated, scope)]), allOf([isNot, otherwise])]);
}

function missing(names: Args, negated: boolean): Holds {
  const parts = names.map((name): Condition => ({ attribute: pathOf(name), operator: negated ? 'exists' : 'missing' }));
  return negated ? allOf(parts) : anyOf(parts);
}

/** A path of our own from one of JSONLogic. */
function pathOf(name: JsonValue | undefined): string {
  if (typeof name !== 'string' || name === '')
    throw new NotCarried('asks for the whole context, or for an attribute whose name is computed');
  if (name === '$flagd.timestamp') throw new NotCarried('asks for the time; use a ramp, or change the flag then');
  if (name.startsWith('$flagd')) throw new NotCarried('asks for its own key');
  const parts = name.split('.');
  if (parts.some((part) => part === '' || /^\d+$/.test(part))) throw new NotCarried(`asks for ${name}, a place in a list`);
  return parts.map((part) => (/["\\]/.test(part) ? `"${part.replaceAll(/["\\]/g, '\\$&')}"` : part)).join('.');
}

interface Attribute {
  readonly path: string;
  /** What counts where the attribute is missing. */
  readonly fallback: JsonValue;
}

/** The attribute an expression stands for; null when it stands for something else. */
export function attributeOf(expression: JsonValue | undefined): Attribute | null {
  const found = expression === undefined ? null : operation(expression);
  if (found === null || found[0] !== 'var') return null;
  const [name, fallback = null] = found[1];
  return { path: pathOf(name), fallback };
}

const ORDER: Readonly<Record<string, 'lt' | 'lte' | 'gt' | 'gte'>> = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' };
const TURNED = { lt: 'gt', lte: 'gte', gt: 'lt', gte: 'lte' } as const;
const OPPOSITE = { lt: 'gte', lte: 'gt', gt: 'lte', gte: 'lt' } as const;

function comparison(operator: string, args: Args, negated: boolean, scope: LogicScope): Holds {
  const order = Object.hasOwn(ORDER, operator) ? ORDER[operator] : undefined;
  if (order !== undefined) return ordered(order, args, negated, scope);
  switch (operator) {
    case 'var':
      scope.differs('an attribute that stands for itself counts here only when it is `true`, there also as any other text or number');
      return equality([{ var: args as JsonValue }, true], negated);
    case '==':
    case '===':
      return equality(args, negated);
    case '!=':
    case '!==':
      return equality(args, !negated);
    case 'in':
      return contained(args, negated);
    case 'starts_with':
    case 'ends_with':
      return edge(operator, args, negated);
    case 'sem_ver':
      return version(args, negated, scope);
    default:
      throw new NotCarried(`uses ${operator}, for which there is nothing here`);
  }
}

/** `positive` or, turned around, `negative`, of which a missing attribute is part: as flagd has it. */
function around(
  { path, fallback }: Attribute,
  negated: boolean,
  [positive, negative, ofFallback]: readonly [Holds, Holds, boolean],
): Holds {
  const isMissing: Condition = { attribute: path, operator: 'missing' };
  const matchesMissing = (fallback === null ? false : ofFallback) !== negated;
  const found = negated ? negative : positive;
  return matchesMissing ? anyOf([isMissing, found]) : found;
}

function literalOf(expression: JsonValue | undefined): string | number | boolean {
  if (typeof expression === 'string' || typeof expression === 'number' || typeof expression === 'boolean') return expression;
  throw new NotCarried('compares an attribute with something that is computed, or a list');
}

function equality(args: Args, negated: boolean): Holds {
  const attribute = attributeOf(args[0]) ?? attributeOf(args[1]);
  if (attribute === null) throw new NotCarried('compares two things of which none is an attribute');
  const { path } = attribute;
  const other = attributeOf(args[0]) === null ? args[0] : args[1];
  if (other === null && attribute.fallback === null) return { attribute: path, operator: negated ? 'exists' : 'missing' };
  const value = literalOf(other);
  return around(attribute, negated, [
    { attribute: path, operator: 'eq', value },
    { attribute: path, operator: 'ne', value },
    attribute.fallback === value,
  ]);
}

function contained([needle, hay]: Args, negated: boolean): Holds {
  const attribute = attributeOf(needle);
  if (attribute !== null && Array.isArray(hay)) {
    const { path, fallback } = attribute;
    const values = (hay as Args).map(literalOf);
    // Everything is in no empty list.
    if (values.length === 0) return negated;
    // A list of one type each: a value of another type is in none of them.
    const lists = ['string', 'number', 'boolean']
      .map((type) => values.filter((value) => typeof value === type))
      .filter((list) => list.length > 0);
    const parts = lists.map((list): Condition => ({ attribute: path, operator: negated ? 'notIn' : 'in', values: list }));
    // Which of several types it is not in is no question: it is of one of them.
    return around(attribute, negated, [anyOf(parts), anyOf(parts), values.includes(fallback as string)]);
  }
  const holder = attributeOf(hay);
  if (holder === null || typeof needle !== 'string' || needle === '')
    throw new NotCarried('looks for something in a text or list that is no attribute');
  const { path, fallback } = holder;
  const inFallback = typeof fallback === 'string' && fallback.includes(needle);
  return around(holder, negated, [
    { attribute: path, operator: 'contains', value: needle },
    { attribute: path, operator: 'notContains', value: needle },
    inFallback,
  ]);
}

function edge(name: 'starts_with' | 'ends_with', [first, part]: Args, negated: boolean): Holds {
  const attribute = attributeOf(first);
  if (attribute === null || typeof part !== 'string' || part === '')
    throw new NotCarried(`uses ${name} with something that is no attribute and a text`);
  const operator = name === 'starts_with' ? 'startsWith' : 'endsWith';
  const found: Condition = { attribute: attribute.path, operator, values: [part] };
  const { fallback } = attribute;
  const ofFallback = typeof fallback === 'string' && fallback[operator](part);
  return around(attribute, negated, [found, { not: found }, ofFallback]);
}

function ordered(order: keyof typeof TURNED, args: Args, negated: boolean, scope: LogicScope): Holds {
  const [first = null, second = null, third] = args;
  if (third === undefined) return bounded(order, [first, second], negated, scope);
  const parts = [bounded(order, [first, second], negated, scope), bounded(order, [second, third], negated, scope)];
  return negated ? anyOf(parts) : allOf(parts);
}

function bounded(order: keyof typeof TURNED, [first, second]: readonly [JsonValue, JsonValue], negated: boolean, scope: LogicScope): Holds {
  const left = attributeOf(first);
  const attribute = left ?? attributeOf(second);
  const bound = left === null ? first : second;
  if (attribute === null || typeof bound !== 'number') throw new NotCarried('compares by size something that is no attribute and a number');
  const { path, fallback } = attribute;
  if (fallback !== null) throw new NotCarried('compares by size an attribute that has a default');
  scope.differs(`a context without ${path} is not compared here; there it counts as 0`);
  const wanted = left === null ? TURNED[order] : order;
  return { attribute: path, operator: negated ? OPPOSITE[wanted] : wanted, value: bound };
}

const VERSION: Readonly<Record<string, 'semverEq' | 'semverLt' | 'semverLte' | 'semverGt' | 'semverGte'>> = {
  '=': 'semverEq',
  '<': 'semverLt',
  '<=': 'semverLte',
  '>': 'semverGt',
  '>=': 'semverGte',
};

function version([first, operator, target]: Args, negated: boolean, scope: LogicScope): Holds {
  const attribute = attributeOf(first);
  if (attribute === null || attribute.fallback !== null || typeof target !== 'string')
    throw new NotCarried('compares versions of which one is no attribute, or has a default');
  const { path } = attribute;
  const one = (name: (typeof VERSION)[string], value: string): Condition => ({ attribute: path, operator: name, value });
  const name = typeof operator === 'string' ? operator : '';
  const simple = Object.hasOwn(VERSION, name) ? VERSION[name] : undefined;
  const found = simple === undefined ? ranged(name, target, one) : one(simple, target);
  if (negated) scope.differs(`a text in ${path} that is no version is not compared here; there it counts as another version`);
  // A missing version is compared with nothing, also not as "other than".
  return around(attribute, negated, [found, { not: found }, false]);
}

function ranged(
  operator: string,
  target: string,
  one: (name: 'semverEq' | 'semverLt' | 'semverGte', value: string) => Condition,
): Condition {
  if (operator === '!=') return { not: one('semverEq', target) };
  const [, major = '', minor = '0'] = /^[vV]?(\d+)(?:\.(\d+))?/.exec(target) ?? [];
  if (major === '' || (operator !== '^' && operator !== '~')) throw new NotCarried(`compares versions by ${operator} ${target}`);
  // flagd looks at the numbers alone, so a prerelease is in the range of what it leads to; -0 is the first of them.
  const [from, to] =
    operator === '^' ? [`${major}.0.0-0`, `${Number(major) + 1}.0.0-0`] : [`${major}.${minor}.0-0`, `${major}.${Number(minor) + 1}.0-0`];
  return { all: [one('semverGte', from), one('semverLt', to)] };
}
