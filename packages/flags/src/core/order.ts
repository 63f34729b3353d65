import type { Flag } from './definition.ts';

/** Keys ordered so that each comes after the flags it requires, and those that have no such place: they require themselves by some way. */
export interface Order {
  readonly ordered: readonly string[];
  readonly circular: ReadonlySet<string>;
}

/** Keys of the flags that one requires; of a definition that may be wrong. */
function requiredBy(flag: Flag | undefined): readonly string[] {
  const list: unknown = flag?.prerequisites;
  return Array.isArray(list) ? [...new Set(list.map((one: { readonly flag: string } | null) => String(one?.flag)))] : [];
}

/** Kahn's algorithm; a loop and not a recursion, because a chain may be as long as the set. */
export function orderOf(flags: ReadonlyMap<string, Flag>): Order {
  const waiting = new Map<string, number>();
  const dependants = new Map<string, string[]>();
  for (const [key, flag] of flags) {
    const required = requiredBy(flag).filter((other) => flags.has(other));
    waiting.set(key, required.length);
    for (const other of required) {
      const known = dependants.get(other);
      if (known === undefined) dependants.set(other, [key]);
      else known.push(key);
    }
  }
  const ordered = [...flags.keys()].filter((key) => waiting.get(key) === 0);
  for (const done of ordered) {
    for (const key of dependants.get(done) ?? []) {
      const left = (waiting.get(key) ?? 0) - 1;
      waiting.set(key, left);
      if (left === 0) ordered.push(key);
    }
  }
  return { ordered, circular: new Set([...waiting].filter(([, left]) => left > 0).map(([key]) => key)) };
}

/** A flag and all that it requires, by whatever way; what is not there is left out. */
export function withRequired(key: string, flags: Readonly<Record<string, Flag>>): Readonly<Record<string, Flag>> {
  const found = new Map<string, Flag>();
  const todo = [key];
  for (const one of todo) {
    const flag = Object.hasOwn(flags, one) ? flags[one] : undefined;
    if (flag === undefined || found.has(one)) continue;
    found.set(one, flag);
    todo.push(...requiredBy(flag));
  }
  return Object.fromEntries(found);
}
