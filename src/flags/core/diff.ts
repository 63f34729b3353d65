import { isJsonObject } from '../../kernel/pure.ts';
import { same } from './same.ts';

/** One place in a definition that differs. Undefined: nothing was, or is, there. */
export interface Difference {
  /** `default.variant`, `rules.pros.when`; empty for the whole. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Where two definitions differ, each place told once, as high up as it reads best: a list of rules by their names, another list whole. */
export function differences(before: unknown, after: unknown, path = ''): readonly Difference[] {
  if (same(before, after)) return [];
  const [left, right] = [named(before), named(after)];
  if (left === null || right === null) return [{ path, before, after }];
  const names = [...new Set([...left.keys(), ...right.keys()])];
  const inside = names.flatMap((name) => differences(left.get(name), right.get(name), path === '' ? name : `${path}.${name}`));
  return Array.isArray(before) ? [...inside, ...otherOrder([...left.keys()], [...right.keys()], path)] : inside;
}

/** Rules are tried in their order, so another one is a difference. */
function otherOrder(before: readonly string[], after: readonly string[], path: string): readonly Difference[] {
  const [left, right] = [before.filter((name) => after.includes(name)), after.filter((name) => before.includes(name))];
  return same(left, right) ? [] : [{ path, before, after }];
}

/** The parts of it by their names; null for what is told whole. */
function named(value: unknown): ReadonlyMap<string, unknown> | null {
  if (isJsonObject(value)) return WHOLE.some((name) => Object.hasOwn(value, name)) ? null : new Map(Object.entries(value));
  if (!Array.isArray(value)) return null;
  const names = value.map((item) => (isJsonObject(item) && typeof item['name'] === 'string' ? item['name'] : null));
  return names.includes(null) || new Set(names).size < names.length
    ? null
    : new Map(value.map((item: unknown, index) => [names[index] ?? '', item]));
}

/** Of conditions, and of what is served: people read these whole. */
const WHOLE = ['all', 'any', 'not', 'segment', 'percentage', 'attribute', 'variant', 'weights'];
