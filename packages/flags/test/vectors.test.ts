import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile, explain, type Comparison, type Context, type Evaluation, type FlagSet, type Word } from '../src/index.ts';
import { bucketOf, stickyHash } from '../src/core/bucket.ts';
import { explainCondition } from '../src/core/explain/condition.ts';
import { hashPrefix, murmur3 } from '../src/core/hash.ts';
import { patternProblem } from '../src/core/pattern.ts';
import { aSet, flagFor } from './support.ts';

function vectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'));
}

const hash = vectors('hash') as {
  readonly hashes: readonly { readonly salt: string; readonly key: string; readonly hash: number; readonly bucket: number }[];
  readonly sticky: readonly { readonly value: unknown; readonly key: string | null }[];
};
const operators = vectors('operators') as {
  readonly comparisons: readonly {
    readonly comparison: Comparison;
    readonly cases: readonly { readonly context: Context; readonly answer: Word }[];
  }[];
  readonly refusedPatterns: readonly string[];
};
const evaluations = vectors('evaluations') as {
  readonly set: FlagSet;
  readonly cases: readonly {
    readonly key: string;
    readonly context: Context | null;
    readonly silentForMs: number;
    readonly expected: Omit<Evaluation, 'key' | 'errorMessage'>;
  }[];
};

describe('hash.json', () => {
  it.each(hash.hashes)('$salt + $key is $hash, bucket $bucket', ({ salt, key, hash: wanted, bucket }) => {
    expect({ hash: murmur3(salt + key), bucket: bucketOf(murmur3(salt + key)) }).toEqual({ hash: wanted, bucket });
  });

  it.each(hash.sticky)('$value sticks as $key', ({ value, key }) => {
    expect(stickyHash(hashPrefix('s'), value)).toBe(key === null ? -1 : murmur3(`s${key}`));
  });
});

describe('operators.json', () => {
  it.each(operators.comparisons)('$comparison', ({ comparison, cases }) => {
    const { boolean } = compile(aSet({ yes: flagFor(comparison), no: flagFor({ not: comparison }) }));
    for (const { context, answer } of cases) {
      expect({ context, answer: explainCondition({ context, segments: {}, salt: '' }, comparison).answer }).toEqual({ context, answer });
      const compiled = { yes: boolean('yes', context, false), no: boolean('no', context, false) };
      expect({ context, ...compiled }).toEqual({ context, yes: answer === 'yes', no: answer === 'no' });
    }
  });

  it.each(operators.refusedPatterns)('refuses the pattern %s', (pattern) => {
    expect(patternProblem(pattern)).toEqual(expect.any(String));
  });
});

describe('evaluations.json', () => {
  it('holds for every case', () => {
    for (const { key, context, silentForMs, expected } of evaluations.cases) {
      const { value, ...rest } = expected;
      const wanted = { key, ...rest, value: rest.errorCode === null ? value : undefined };
      const { errorMessage: _, ...answer } = compile(evaluations.set, { silentForMs }).evaluate(key, context);
      expect({ context, ...answer }).toEqual({ context, ...wanted });
      expect(explain(evaluations.set, key, context, { silentForMs }).evaluation.variant).toBe(wanted.variant);
    }
    expect(evaluations.cases.length).toBeGreaterThan(200);
  });
});
