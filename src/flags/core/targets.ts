import type { Flag, FlagSet, FlagValue, Segment } from '../../../packages/flags/src/core/definition.ts';
import { same } from './same.ts';

/** What is to be of one flag or segment; null: it is to be gone. */
export type Target =
  | { readonly kind: 'flag'; readonly key: string; readonly after: Flag | null }
  | { readonly kind: 'segment'; readonly key: string; readonly after: Segment | null };

/** The set as it is to be. */
export function setWith(set: FlagSet, targets: readonly Target[]): FlagSet {
  // Maps, because a key may be the name of something every object has.
  const flags = new Map(Object.entries(set.flags));
  const segments = new Map(Object.entries(set.segments));
  for (const target of targets) {
    if (target.kind === 'flag') put(flags, target.key, target.after);
    else put(segments, target.key, target.after);
  }
  return { ...set, flags: Object.fromEntries(flags), segments: Object.fromEntries(segments) };
}

function put<T>(all: Map<string, T>, key: string, after: T | null): void {
  if (after === null) all.delete(key);
  else all.set(key, after);
}

/** What there is now in a target's place. */
export function currentOf(set: FlagSet, { kind, key }: Pick<Target, 'kind' | 'key'>): Flag | Segment | null {
  const all: Readonly<Record<string, Flag | Segment>> = kind === 'flag' ? set.flags : set.segments;
  return Object.hasOwn(all, key) ? (all[key] ?? null) : null;
}

/** Flags that were off and are to be on. */
export function turnedOn(set: FlagSet, targets: readonly Target[]): readonly string[] {
  return targets.flatMap((target) => {
    if (target.kind !== 'flag' || target.after?.enabled !== true) return [];
    const before = currentOf(set, target) as Flag | null;
    return before?.enabled === false ? [target.key] : [];
  });
}

/** Flags that are off, and are to serve a value meanwhile that only being on gave to anybody. */
export function onInDisguise(set: FlagSet, targets: readonly Target[]): readonly string[] {
  return targets.flatMap((target) => {
    if (target.kind !== 'flag' || target.after?.enabled !== false) return [];
    const before = currentOf(set, target) as Flag | null;
    if (before?.enabled !== false) return [];
    const [was, is] = [valueOf(before, before.off), valueOf(target.after, target.after.off)];
    return !same(was, is) && servedWhenOn(before).some((value) => same(value, is)) ? [target.key] : [];
  });
}

function servedWhenOn(flag: Flag): readonly (FlagValue | undefined)[] {
  const serves = [flag.default, ...flag.rules.map(({ serve }) => serve)];
  const names = serves.flatMap((serve) => ('variant' in serve ? [serve.variant] : serve.weights.map(({ variant }) => variant)));
  return names.map((name) => valueOf(flag, name));
}

function valueOf({ variants }: Flag, name: string): FlagValue | undefined {
  return Object.hasOwn(variants, name) ? variants[name] : undefined;
}
