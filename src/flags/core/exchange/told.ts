import type { Condition, Flag, FlagType, Segment } from '../../../../packages/flags/src/core/definition.ts';
import { EVERYBODY } from '../files/percent.ts';

/** What became of a flag that was carried from or to another system, where that is not just the same. */
export interface Told {
  readonly flag: string;
  /** `left-out`: it was not carried over; `renamed`: under another key; `differs`: it may answer otherwise, as the message says. */
  readonly kind: 'left-out' | 'renamed' | 'differs';
  readonly message: string;
}

/** What the other system does not say of its flags. */
export interface ImportDefaults {
  readonly type: FlagType;
  readonly owner: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
}

export interface Imported {
  readonly flags: Readonly<Record<string, Flag>>;
  readonly segments: Readonly<Record<string, Segment>>;
  readonly told: readonly Told[];
}

/** Why something cannot be carried over; read after its name. Never leaves the core. */
export class NotCarried extends Error {}

/** A condition, or what it is for everybody. */
export type Holds = Condition | boolean;

export function allOf(parts: readonly Holds[]): Holds {
  if (parts.includes(false)) return false;
  const rest = parts.filter((part) => typeof part !== 'boolean');
  return rest.length < 2 ? (rest[0] ?? true) : { all: rest.flatMap((part) => ('all' in part ? part.all : [part])) };
}

export function anyOf(parts: readonly Holds[]): Holds {
  if (parts.includes(true)) return true;
  const rest = parts.filter((part) => typeof part !== 'boolean');
  return rest.length < 2 ? (rest[0] ?? false) : { any: rest.flatMap((part) => ('any' in part ? part.any : [part])) };
}

/** `myFlag`, `My Flag` -> `my-flag`. */
export function kebab(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

/** The key of a flag of this name and type, `{type}_{feature}`; the name itself where it is one already. */
export function keyFor(name: string, type: FlagType): string {
  if (new RegExp(`^${type}(?:_[a-z0-9]+(?:-[a-z0-9]+)*)+$`).test(name)) return name;
  const parts = name
    .split('_')
    .map(kebab)
    .filter((part) => part !== '');
  return [type, ...(parts[0] === type && parts.length > 1 ? parts.slice(1) : parts)].join('_');
}

/** Weights of any sum as thousandths of a percent; the rounding goes to those that lose most by it. */
export function shareOut(weights: readonly number[]): { readonly weights: readonly number[]; readonly exact: boolean } {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (!(sum > 0)) throw new NotCarried('deals among weights that are all nothing');
  const exact = weights.map((weight) => (weight * EVERYBODY) / sum);
  const floors = exact.map(Math.floor);
  const left = EVERYBODY - floors.reduce((total, floor) => total + floor, 0);
  const order = exact
    .map((share, index) => ({ index, rest: share - Math.floor(share) }))
    .toSorted((a, b) => b.rest - a.rest || a.index - b.index);
  const more = new Set(order.slice(0, left).map(({ index }) => index));
  return { weights: floors.map((floor, index) => floor + (more.has(index) ? 1 : 0)), exact: exact.every(Number.isInteger) };
}
