import type { Comparison } from './definition.ts';
import type { Test } from './interner.ts';
import { compareVersion, parseVersion } from './version.ts';

/** Up to here, looking at one after the other is quicker than a hash. */
const FEW = 4;

/**
 * The test of a comparison that nearly all rules consist of; null for any other. It holds for what `compileComparison` says yes to, which is
 * the one that defines it (and was asked first, so that targets are right). Each of these is a function of its own, from attribute to answer: engines make quicker code of that
 * than of one function that calls another.
 * @param name of an attribute at the top of the context. Whose it is matters only where the rest holds, which is rare.
 */
export function quickTest(comparison: Comparison, name: string): Test | null {
  switch (comparison.operator) {
    case 'eq':
      return isEqual(name, comparison.value);
    case 'in':
      return comparison.values.length <= FEW ? isOneOf(name, [...comparison.values]) : null;
    case 'startsWith':
    case 'endsWith':
      if (comparison.values.length > 1 || comparison.ignoreCase === true) return null;
      return comparison.operator === 'endsWith' ? endsWith(name, comparison.values[0] ?? '') : startsWith(name, comparison.values[0] ?? '');
    case 'gt':
      return isAbove(name, comparison.value);
    case 'lt':
      return isBelow(name, comparison.value);
    case 'semverGt':
    case 'semverGte':
      return isLater(name, comparison.value, comparison.operator === 'semverGt' ? 1 : 0);
    default:
      return null;
  }
}

function isEqual(name: string, wanted: string | number | boolean): Test {
  return (context) => context[name] === wanted && Object.hasOwn(context, name);
}

function isOneOf(name: string, values: readonly unknown[]): Test {
  return (context) => {
    const value = context[name];
    for (const one of values) if (one === value) return Object.hasOwn(context, name);
    return false;
  };
}

function startsWith(name: string, part: string): Test {
  return (context) => {
    const value = context[name];
    return typeof value === 'string' && value.startsWith(part) && Object.hasOwn(context, name);
  };
}

/** One character tells most texts apart, without a call. */
function endsWith(name: string, part: string): Test {
  const first = part.charCodeAt(0);
  return (context) => {
    const value = context[name];
    if (typeof value !== 'string') return false;
    const at = value.length - part.length;
    return at >= 0 && value.charCodeAt(at) === first && value.endsWith(part) && Object.hasOwn(context, name);
  };
}

function isAbove(name: string, bound: number): Test {
  return (context) => {
    const value = context[name];
    return typeof value === 'number' && value > bound && Object.hasOwn(context, name);
  };
}

function isBelow(name: string, bound: number): Test {
  return (context) => {
    const value = context[name];
    return typeof value === 'number' && value < bound && Object.hasOwn(context, name);
  };
}

/** @param least the order that is late enough; NaN, of what is no version, is below any */
function isLater(name: string, target: string, least: number): Test | null {
  const wanted = parseVersion(target);
  if (wanted === null) return null;
  return (context) => {
    const value = context[name];
    return typeof value === 'string' && compareVersion(value, wanted) >= least && Object.hasOwn(context, name);
  };
}
