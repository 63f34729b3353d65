import type { ErrorCode, FlagValue, ValueType } from './definition.ts';
import type { Context, Details, Evaluation, Evaluator, FlagHandle } from './evaluator.ts';
import { decide, type CompiledFlag, type Outcome } from './flag.ts';
import { attributesOf } from './path.ts';

/** A flag that cannot be evaluated, and why, to be read on after its name. */
export interface Broken {
  readonly valueType: null;
  readonly message: string;
}

export type Found = CompiledFlag | Broken;

type Given = Context | null | undefined;

/** The value, or `fallback` for whatever is wrong. */
function valueOf(found: Found | undefined, type: ValueType, context: Given, fallback: FlagValue): FlagValue {
  if (found === undefined || found.valueType !== type) return fallback;
  if (found.always !== null) return found.always.value;
  try {
    return decide(found, attributesOf(context)).value;
  } catch {
    // A getter or a proxy of the context threw: it is the caller's, and no reason to break the caller.
    return fallback;
  }
}

function decisionOf(found: Found | undefined, context: Given): Outcome | null {
  if (found === undefined || found.valueType === null) return null;
  try {
    return decide(found, attributesOf(context));
  } catch {
    return null;
  }
}

function failed(key: string, errorCode: ErrorCode, errorMessage: string): Evaluation {
  return { key, value: undefined, variant: null, reason: 'ERROR', rule: null, prerequisite: null, errorCode, errorMessage };
}

function evaluate(found: Found | undefined, key: string, context: Given): Evaluation {
  if (found === undefined) return failed(key, 'FLAG_NOT_FOUND', `There is no flag ${JSON.stringify(key)}.`);
  if (found.valueType === null) return failed(key, 'PARSE_ERROR', `The flag ${JSON.stringify(key)} ${found.message}.`);
  try {
    const { value, variant, reason, rule, prerequisite } = decide(found, attributesOf(context));
    return { key, value, variant, reason, rule, prerequisite, errorCode: null, errorMessage: null };
  } catch (error) {
    return failed(key, 'GENERAL', `Reading the context failed: ${saying(error)}`);
  }
}

/** What was thrown may be anything, also something that cannot be shown. */
function saying(thrown: unknown): string {
  return thrown instanceof Error && typeof thrown.message === 'string' ? thrown.message : typeof thrown;
}

function detailsOf<T extends FlagValue>(evaluation: Evaluation, matches: boolean, wanted: ValueType, fallback: T): Details<T> {
  if (evaluation.errorCode !== null) return { ...evaluation, value: fallback };
  if (matches) return { ...evaluation, value: evaluation.value as T };
  const message = `The flag ${JSON.stringify(evaluation.key)} is not of the type ${wanted}.`;
  return { ...failed(evaluation.key, 'TYPE_MISMATCH', message), value: fallback };
}

/** An evaluator of compiled flags. */
export function evaluatorOf(
  flags: ReadonlyMap<string, Found>,
  about: Pick<Evaluator, 'environment' | 'seq' | 'keys' | 'staleAfterMs'>,
): Evaluator {
  function details<T extends FlagValue>(key: string, context: Given, type: ValueType, fallback: T): Details<T> {
    const found = flags.get(key);
    return detailsOf(evaluate(found, key, context), found?.valueType === type, type, fallback);
  }
  let inOrder: readonly (Found | undefined)[] | null = null;
  return Object.freeze({
    ...about,
    boolean: (key, context, fallback) => valueOf(flags.get(key), 'boolean', context, fallback) as boolean,
    string: (key, context, fallback) => valueOf(flags.get(key), 'string', context, fallback) as string,
    number: (key, context, fallback) => valueOf(flags.get(key), 'number', context, fallback) as number,
    json: <T extends FlagValue>(key: string, context: Given, fallback: T) => valueOf(flags.get(key), 'json', context, fallback) as T,
    booleanDetails: (key, context, fallback) => details(key, context, 'boolean', fallback),
    stringDetails: (key, context, fallback) => details(key, context, 'string', fallback),
    numberDetails: (key, context, fallback) => details(key, context, 'number', fallback),
    jsonDetails: <T extends FlagValue>(key: string, context: Given, fallback: T) => details(key, context, 'json', fallback),
    evaluate: (key, context) => evaluate(flags.get(key), key, context),
    evaluateAll: (context) => about.keys.map((key) => evaluate(flags.get(key), key, context)),
    decisions: (context) => (inOrder ??= about.keys.map((key) => flags.get(key))).map((found) => decisionOf(found, context)),
    flag: (key) => handleOf(key, flags.get(key)),
    valueTypeOf: (key) => flags.get(key)?.valueType ?? null,
    problems: Object.freeze([...flags].flatMap(([flag, found]) => (found.valueType === null ? [{ flag, message: found.message }] : []))),
  } satisfies Evaluator);
}

function handleOf(key: string, found: Found | undefined): FlagHandle {
  return {
    key,
    boolean: (context, fallback) => valueOf(found, 'boolean', context, fallback) as boolean,
    string: (context, fallback) => valueOf(found, 'string', context, fallback) as string,
    number: (context, fallback) => valueOf(found, 'number', context, fallback) as number,
    json: <T extends FlagValue>(context: Given, fallback: T) => valueOf(found, 'json', context, fallback) as T,
    evaluate: (context) => evaluate(found, key, context),
  };
}
