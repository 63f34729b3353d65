import { parsePath, readerOf, type Attributes, type Reader } from './path.ts';
import { DefinitionProblem } from './problem.ts';

/** Does it hold of a context? Throws only what a getter of the context throws. */
export type Test = (context: Attributes) => boolean;

/** Comparisons that one condition may cost, with the segments in it written out. */
const MAX_COST = 10_000;

/** What is equal is made once, so that ten thousand flags for `plan = pro` share one test. */
export interface Interner {
  /** The test that is known by this key, or the one that `make` makes. Throws a DefinitionProblem when it costs too much. */
  readonly test: (key: string, cost: number, make: () => Test) => Test;
  readonly idOf: (test: Test) => number;
  readonly costOf: (test: Test) => number;
  /** Throws a DefinitionProblem for what is no path. */
  readonly reader: (path: string) => Reader;
  /** The name that a path consists of; null when there are more. */
  readonly soleName: (path: string) => string | null;
}

export function interner(): Interner {
  const tests = new Map<string, Test>();
  const readers = new Map<string, Reader>();
  const facts = new Map<Test, { readonly id: number; readonly cost: number }>();
  return {
    test: (key, cost, make) => {
      const known = tests.get(key);
      if (known !== undefined) return known;
      if (cost > MAX_COST) throw new DefinitionProblem(`has a condition of more than ${MAX_COST} comparisons`);
      const made = make();
      tests.set(key, made);
      facts.set(made, { id: facts.size, cost });
      return made;
    },
    idOf: (test) => facts.get(test)?.id ?? -1,
    costOf: (test) => facts.get(test)?.cost ?? 1,
    reader: (path) => {
      const known = readers.get(path);
      if (known !== undefined) return known;
      const names = typeof path === 'string' ? parsePath(path) : null;
      if (names === null) throw new DefinitionProblem(`asks for ${JSON.stringify(path)}, which is no path of an attribute`);
      const made = readerOf(names);
      readers.set(path, made);
      return made;
    },
    soleName: (path) => {
      const names = parsePath(path) ?? [];
      return names.length === 1 ? (names[0] ?? null) : null;
    },
  };
}
