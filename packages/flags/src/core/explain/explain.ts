import { compile, type CompileOptions } from '../compile.ts';
import type { Flag, FlagSet, Serve } from '../definition.ts';
import type { Context, Evaluation } from '../evaluator.ts';
import { withRequired } from '../order.ts';
import { attributesOf } from '../path.ts';
import { explainCondition, bucketFor, type Asked, type Bucket, type ExplainedCondition } from './condition.ts';

/** What an evaluation looked at, in its order. The last step is the one that decided. */
export type Step =
  | { readonly step: 'disabled' }
  | { readonly step: 'stale'; readonly afterMs: number; readonly silentForMs: number }
  | {
      readonly step: 'prerequisite';
      readonly flag: string;
      readonly variants: readonly string[];
      readonly served: string;
      readonly met: boolean;
    }
  | { readonly step: 'rule'; readonly rule: string; readonly holds: boolean; readonly condition: ExplainedCondition }
  | { readonly step: 'default' }
  | { readonly step: 'split'; readonly rule: string | null; readonly bucket: Bucket; readonly weights: Weights };

type Weights = Extract<Serve, { readonly weights: unknown }>['weights'];

export interface Explanation {
  readonly evaluation: Evaluation;
  /** Empty for an evaluation that ended in an error. */
  readonly steps: readonly Step[];
}

/**
 * Why a context is served what it is. Reads the definition step by step, on a way of its own and not through compiled code.
 * Throws nothing that `compile` does not throw.
 */
export function explain(set: FlagSet, key: string, context: Context | null | undefined, options: CompileOptions = {}): Explanation {
  const flags = withRequired(key, set.flags);
  const evaluation = compile({ ...set, flags }, options).evaluate(key, context);
  const flag = new Map(Object.entries(flags)).get(key);
  if (evaluation.errorCode !== null || flag === undefined) return { evaluation, steps: [] };
  const asked = { context: attributesOf(context), segments: set.segments, salt: flag.salt };
  const { steps, variant } = follow(flag, asked, { flags, silentForMs: options.silentForMs ?? 0 });
  return { evaluation: { ...evaluation, variant, value: flag.variants[variant] }, steps };
}

interface Followed {
  readonly steps: readonly Step[];
  readonly variant: string;
}

interface Among {
  readonly flags: Readonly<Record<string, Flag>>;
  readonly silentForMs: number;
}

function follow(flag: Flag, asked: Asked, among: Among): Followed {
  const steps: Step[] = [];
  const end = (variant: string, ...last: readonly Step[]): Followed => ({ steps: [...steps, ...last], variant });
  if (!flag.enabled) return end(flag.off, { step: 'disabled' });
  const { silentForMs } = among;
  if (flag.stale !== null && silentForMs > flag.stale.afterMs) return end(flag.off, { step: 'stale', ...flag.stale, silentForMs });
  for (const { flag: key, variants } of flag.prerequisites) {
    const required = among.flags[key];
    if (required === undefined) throw new Error(`The set compiles, and lacks the flag ${key}.`);
    const served = follow(required, { ...asked, salt: required.salt }, among).variant;
    const met = variants.includes(served);
    steps.push({ step: 'prerequisite', flag: key, variants, served, met });
    if (!met) return end(flag.off);
  }
  for (const { name, when, serve } of flag.rules) {
    const condition = explainCondition(asked, when);
    const holds = condition.answer === 'yes';
    steps.push({ step: 'rule', rule: name, holds, condition });
    if (holds) return serveTo(flag, asked, { serve, rule: name, steps });
  }
  return serveTo(flag, asked, { serve: flag.default, rule: null, steps: [...steps, { step: 'default' }] });
}

interface Served {
  readonly serve: Serve;
  readonly rule: string | null;
  readonly steps: readonly Step[];
}

function serveTo(flag: Flag, asked: Asked, { serve, rule, steps }: Served): Followed {
  if ('variant' in serve) return { steps, variant: serve.variant };
  const bucket = bucketFor(asked, serve);
  const split = { step: 'split', rule, bucket, weights: serve.weights } as const;
  return { steps: [...steps, split], variant: bucket.bucket === null ? flag.off : dealt(serve.weights, bucket.bucket) };
}

function dealt(weights: Weights, bucket: number): string {
  let sum = 0;
  for (const { variant, weight } of weights) {
    sum += weight;
    if (bucket < sum) return variant;
  }
  throw new Error('The set compiles, and its weights do not sum up.');
}
