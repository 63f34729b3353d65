import { bucketOf, stickyHash } from '../bucket.ts';
import { compileComparison, type Answer } from '../comparison.ts';
import { dealtBy } from '../condition.ts';
import type { Comparison, Condition, Segment } from '../definition.ts';
import { hashPrefix } from '../hash.ts';
import { parsePath, readerOf, type Attributes } from '../path.ts';

/**
 * `unfit`: an attribute is missing, or of a type that the operator does not work on. Only `yes` makes a rule serve. `not` swaps yes and no;
 * `all` is no with one no in it, else unfit with one unfit, else yes; `any` the other way round.
 */
export type Word = 'yes' | 'no' | 'unfit';

/** A condition with its answer for one context, and those of its parts. */
export type ExplainedCondition =
  | { readonly kind: 'comparison'; readonly answer: Word; readonly comparison: Comparison; readonly value: unknown }
  | { readonly kind: 'percentage'; readonly answer: Word; readonly percentage: number; readonly bucket: Bucket }
  | { readonly kind: 'segment'; readonly answer: Word; readonly segment: string; readonly part: ExplainedCondition }
  | { readonly kind: 'not'; readonly answer: Word; readonly part: ExplainedCondition }
  | { readonly kind: 'all' | 'any'; readonly answer: Word; readonly parts: readonly ExplainedCondition[] };

/** Where a context falls. `bucket` (0 to 99,999) is null for who has nothing to stick to. */
export interface Bucket {
  readonly by: string;
  readonly salt: string;
  readonly key: unknown;
  readonly bucket: number | null;
}

/** What conditions are explained for. */
export interface Asked {
  readonly context: Attributes;
  readonly segments: Readonly<Record<string, Segment>>;
  readonly salt: string;
}

function read(context: Attributes, path: string): unknown {
  try {
    return readerOf(parsePath(path) ?? [])(context);
  } catch {
    // An evaluation that came to this getter ended in an error and has no steps; this one did not come to it.
    return undefined;
  }
}

export function bucketFor({ context, salt: flagSalt }: Asked, said: { readonly by?: string; readonly salt?: string }): Bucket {
  const { by, salt } = dealtBy(said, flagSalt);
  const key = read(context, by);
  const hash = stickyHash(hashPrefix(salt), key);
  return { by, salt, key, bucket: hash < 0 ? null : bucketOf(hash) };
}

const wordOf = (answer: Answer): Word => (answer === 1 ? 'yes' : answer === 0 ? 'no' : 'unfit');
const opposite = (word: Word): Word => (word === 'yes' ? 'no' : word === 'no' ? 'yes' : 'unfit');

/** The first of these words that is among the answers. */
function first(parts: readonly ExplainedCondition[], [strongest, weaker, weakest]: readonly [Word, Word, Word]): Word {
  if (parts.some(({ answer }) => answer === strongest)) return strongest;
  return parts.some(({ answer }) => answer === weaker) ? weaker : weakest;
}

/** Looks at every part, also where an evaluation would have stopped. The definition must be one that compiles. */
export function explainCondition(asked: Asked, condition: Condition): ExplainedCondition {
  if ('attribute' in condition) {
    const value = read(asked.context, condition.attribute);
    const { check, opposite: isOpposite } = compileComparison(condition);
    const answer = wordOf(check(value));
    return { kind: 'comparison', answer: isOpposite ? opposite(answer) : answer, comparison: condition, value };
  }
  if ('percentage' in condition) {
    const bucket = bucketFor(asked, condition);
    const answer = bucket.bucket === null ? 'unfit' : bucket.bucket < condition.percentage ? 'yes' : 'no';
    return { kind: 'percentage', answer, percentage: condition.percentage, bucket };
  }
  if ('segment' in condition) {
    const segment = asked.segments[condition.segment];
    if (segment === undefined) throw new Error(`The set compiles, and lacks the segment ${condition.segment}.`);
    const part = explainCondition(asked, segment.when);
    return { kind: 'segment', answer: part.answer, segment: condition.segment, part };
  }
  if ('not' in condition) {
    const part = explainCondition(asked, condition.not);
    return { kind: 'not', answer: opposite(part.answer), part };
  }
  const all = 'all' in condition;
  const parts = (all ? condition.all : condition.any).map((part) => explainCondition(asked, part));
  const answer = first(parts, all ? ['no', 'unfit', 'yes'] : ['yes', 'unfit', 'no']);
  return { kind: all ? 'all' : 'any', answer, parts };
}
