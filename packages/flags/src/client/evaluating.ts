import { compile } from '../core/compile.ts';
import type { FlagSet, FlagValue } from '../core/definition.ts';
import type { Context, Details, Evaluation, Evaluations, Evaluator } from '../core/evaluator.ts';
import { liveFlags } from '../core/live.ts';

/** The flags a client evaluates, and what changes them. */
export interface Evaluating {
  readonly flags: Evaluations;
  readonly current: () => Evaluator;
  /** What is evaluated now, as of one moment, with the same things noted. */
  readonly held: () => Evaluations;
  /** Puts other flags in. @throws TypeError when they are none */
  put(set: FlagSet, silentForMs: number): void;
  /** Time went by: flags that mind how long nothing was heard may serve their safe variant now, or not any more. */
  looked(silentForMs: number): void;
}

/** @param note called after every evaluation; null: nobody wants to know, and evaluation is as fast as it can be */
export function createEvaluating(note: ((evaluation: Evaluation, context: Context | null | undefined) => void) | null): Evaluating {
  let set: FlagSet | null = null;
  const live = liveFlags(NOT_READY);
  /** How many of the thresholds have passed: what was compiled is right for as long as that is the same. */
  let passed = 0;

  const passedOf = (silentForMs: number): number => live.snapshot().staleAfterMs.filter((after) => silentForMs > after).length;
  const put = (next: FlagSet, silentForMs: number): void => {
    live.replace(compile(next, { silentForMs }));
    set = next;
    passed = passedOf(silentForMs);
  };
  return {
    flags: note === null ? live : observed(live.snapshot, note),
    current: live.snapshot,
    held: () => {
      const evaluator = live.snapshot();
      return note === null ? evaluator : observed(() => evaluator, note);
    },
    put,
    looked: (silentForMs) => {
      if (set !== null && passedOf(silentForMs) !== passed) put(set, silentForMs);
    },
  };
}

type Given = Context | null | undefined;

/** Evaluations that somebody is told of, each. Details of all are made for it, so it costs more than the plain ones. */
function observed(current: () => Evaluator, note: (evaluation: Evaluation, context: Given) => void): Evaluations {
  function noted<T extends Evaluation | Details<FlagValue>>(evaluation: T, context: Given): T {
    note(evaluation, context);
    return evaluation;
  }
  const booleanDetails = (key: string, context: Given, fallback: boolean): Details<boolean> =>
    noted(current().booleanDetails(key, context, fallback), context);
  const stringDetails = (key: string, context: Given, fallback: string): Details<string> =>
    noted(current().stringDetails(key, context, fallback), context);
  const numberDetails = (key: string, context: Given, fallback: number): Details<number> =>
    noted(current().numberDetails(key, context, fallback), context);
  const jsonDetails = <T extends FlagValue>(key: string, context: Given, fallback: T): Details<T> =>
    noted(current().jsonDetails(key, context, fallback), context);
  const evaluate = (key: string, context: Given): Evaluation => noted(current().evaluate(key, context), context);
  return {
    boolean: (key, context, fallback) => booleanDetails(key, context, fallback).value,
    string: (key, context, fallback) => stringDetails(key, context, fallback).value,
    number: (key, context, fallback) => numberDetails(key, context, fallback).value,
    json: <T extends FlagValue>(key: string, context: Given, fallback: T) => jsonDetails(key, context, fallback).value,
    booleanDetails,
    stringDetails,
    numberDetails,
    jsonDetails,
    evaluate,
    flag: (key) => ({
      key,
      boolean: (context, fallback) => booleanDetails(key, context, fallback).value,
      string: (context, fallback) => stringDetails(key, context, fallback).value,
      number: (context, fallback) => numberDetails(key, context, fallback).value,
      json: <T extends FlagValue>(context: Given, fallback: T) => jsonDetails(key, context, fallback).value,
      evaluate: (context) => evaluate(key, context),
    }),
  };
}

function nothing(key: string): Evaluation {
  const errorMessage = 'There are no flags yet.';
  return {
    key,
    value: undefined,
    variant: null,
    reason: 'ERROR',
    rule: null,
    prerequisite: null,
    errorCode: 'PROVIDER_NOT_READY',
    errorMessage,
  };
}

function defaulted<T extends FlagValue>(key: string, _context: unknown, fallback: T): Details<T> {
  return { ...nothing(key), value: fallback };
}

const EMPTY = compile({ format: 1, environment: '', seq: 0, flags: {}, segments: {} });

/** What answers before there are any flags: every flag serves the caller's default, and says that it is too early. */
const NOT_READY: Evaluator = Object.freeze({
  ...EMPTY,
  booleanDetails: defaulted<boolean>,
  stringDetails: defaulted<string>,
  numberDetails: defaulted<number>,
  jsonDetails: defaulted,
  evaluate: nothing,
  flag: (key: string) => ({ ...EMPTY.flag(key), evaluate: () => nothing(key) }),
});
