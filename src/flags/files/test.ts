import type { FlagValue } from '../../../packages/flags/src/core/definition.ts';
import type { Expected, FlagFiles, FlagTest, Place } from '../core/files/declaration.ts';
import { equal } from '../core/files/render.ts';
import { namedEnvironments, resolveFiles } from '../core/files/resolve.ts';
import { compile, type Evaluation, type Evaluator } from '../evaluator.ts';

/** One assertion in one environment, and what came of it. */
export interface TestResult {
  readonly environment: string;
  readonly flag: string;
  readonly name: string | null;
  readonly place: Place;
  readonly context: Readonly<Record<string, FlagValue>>;
  readonly verdict: 'pass' | 'fail';
  /** What is otherwise than asserted; empty for a pass. */
  readonly differences: readonly { readonly what: string; readonly expected: FlagValue; readonly actual: FlagValue }[];
}

/** The time that flags without one are taken to be made at; it decides nothing. */
const origins = { createdAt: () => '1970-01-01T00:00:00.000Z' };

/** The environments that files are tested in: every one that they name, `dev` where they name none. */
export function testedEnvironments(files: FlagFiles): readonly string[] {
  const named = namedEnvironments(files);
  return named.length === 0 ? ['dev'] : named;
}

/**
 * Evaluates every assertion of files without a mistake, as a client would.
 * @param only key of a flag; null: all of them
 */
export function testFiles(files: FlagFiles, environments: readonly string[], only: string | null): readonly TestResult[] {
  return environments.flatMap((environment) => {
    const evaluator = compile(resolveFiles(files, environment, origins).set);
    return files.flags
      .filter(({ key }) => only === null || key === only)
      .flatMap(({ key, tests }) =>
        tests.filter((test) => isMeant(test, environment, evaluator.keys.includes(key))).map((test) => resultOf(evaluator, key, test)),
      );
  });
}

/** An assertion that names no environment is about those that have the flag. */
function isMeant({ environments }: FlagTest, environment: string, isThere: boolean): boolean {
  return environments.length === 0 ? isThere : environments.includes(environment);
}

function resultOf(evaluator: Evaluator, flag: string, { name, place, context, expect }: FlagTest): TestResult {
  const differences = differencesOf(expect, evaluator.evaluate(flag, context));
  const verdict = differences.length === 0 ? 'pass' : 'fail';
  return { environment: evaluator.environment, flag, name, place, context, verdict, differences };
}

function differencesOf(expected: Expected, { value, variant, reason, rule, errorMessage }: Evaluation): TestResult['differences'] {
  const actual = { value: value ?? null, variant, reason, rule };
  const found = (['value', 'variant', 'reason', 'rule'] as const).flatMap((what) => {
    const wanted = expected[what];
    return wanted === undefined || equal(wanted, actual[what]) ? [] : [{ what, expected: wanted, actual: actual[what] }];
  });
  return errorMessage === null || found.length === 0 ? found : [...found, { what: 'error', expected: null, actual: errorMessage }];
}
