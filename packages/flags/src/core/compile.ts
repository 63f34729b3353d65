import { conditionsOf } from './condition.ts';
import type { FlagSet } from './definition.ts';
import { evaluatorOf, type Broken, type Found } from './evaluate.ts';
import type { Evaluator } from './evaluator.ts';
import { compileFlag, type CompiledFlag, type FlagCompiler } from './flag.ts';
import { orderOf } from './order.ts';
import { DefinitionProblem } from './problem.ts';

export interface CompileOptions {
  /** For how long nothing was heard of the server; flags whose `stale.afterMs` is less serve `off`. Default 0. */
  readonly silentForMs?: number;
}

/** Flags that require flags that require flags: beyond this many, the first of them is broken. */
const MAX_PREREQUISITE_DEPTH = 10;
/** Flags that one evaluation may have to look at. */
const MAX_PREREQUISITE_COST = 100;

interface Weight {
  readonly depth: number;
  readonly cost: number;
}

/**
 * Compiles a flag set; what happens to the set later changes nothing. A flag that is wrong breaks itself, and those that require it, but
 * nothing else: it serves the caller's default, and `problems` tells of it.
 * @throws TypeError when it is no flag set of format 1 at all
 */
export function compile(set: FlagSet, { silentForMs = 0 }: CompileOptions = {}): Evaluator {
  if (typeof set !== 'object' || set === null || set.format !== 1) throw new TypeError('This is no flag set of format 1.');
  const flags = new Map(Object.entries(set.flags));
  const found = new Map<string, Found>();
  const weights = new Map<CompiledFlag, Weight>();
  const compiler: FlagCompiler = {
    conditions: conditionsOf(set.segments),
    outcomes: new Map(),
    fixed: new Map(),
    required: (key) => requiredFlag(found, key),
  };
  const { ordered, circular } = orderOf(flags);
  for (const key of circular) found.set(key, broken('requires itself, by way of its prerequisites, or a flag that does'));
  for (const key of ordered) {
    try {
      const flag = flags.get(key);
      if (flag === undefined) throw new DefinitionProblem('is none');
      const compiled = compileFlag(flag, compiler, silentForMs);
      weights.set(compiled, weigh(compiled, weights));
      found.set(key, compiled);
    } catch (error) {
      // Whatever is wrong with one flag, the others are needed.
      found.set(key, broken(error instanceof DefinitionProblem ? error.message : `is malformed: ${String(error)}`));
    }
  }
  const afters = [...flags.values()].map((flag) => flag?.stale?.afterMs).filter((after) => typeof after === 'number');
  return evaluatorOf(found, {
    environment: set.environment,
    seq: set.seq,
    keys: Object.freeze([...flags.keys()]),
    staleAfterMs: Object.freeze([...new Set(afters)].toSorted((a, b) => a - b)),
  });
}

function broken(message: string): Broken {
  return { valueType: null, message };
}

function requiredFlag(found: ReadonlyMap<string, Found>, key: string): CompiledFlag {
  const flag = found.get(key);
  if (flag === undefined) throw new DefinitionProblem(`requires ${JSON.stringify(key)}, which is not there`);
  if (flag.valueType === null) throw new DefinitionProblem(`requires ${JSON.stringify(key)}, which cannot be evaluated itself`);
  return flag;
}

function weigh(flag: CompiledFlag, weights: ReadonlyMap<CompiledFlag, Weight>): Weight {
  let [depth, cost] = [0, 1];
  for (const required of flag.prerequisites) {
    const weight = weights.get(required.flag) ?? { depth: 0, cost: 1 };
    depth = Math.max(depth, weight.depth + 1);
    cost += weight.cost;
  }
  if (depth > MAX_PREREQUISITE_DEPTH) throw new DefinitionProblem(`has prerequisites more than ${MAX_PREREQUISITE_DEPTH} deep`);
  if (cost > MAX_PREREQUISITE_COST) throw new DefinitionProblem(`has more than ${MAX_PREREQUISITE_COST} prerequisites, all counted`);
  return { depth, cost };
}
