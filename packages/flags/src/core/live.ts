import type { Context, Evaluations, Evaluator, FlagHandle } from './evaluator.ts';
import type { FlagValue } from './definition.ts';

/** Flags that change while they are used: each call is answered by the evaluator that was put in last. */
export interface LiveFlags extends Evaluations {
  /** What is in now, for as long as somebody holds it: everything one request asks of it is of one version. */
  readonly snapshot: () => Evaluator;
  /** Puts another in; calls and handles after that use it. */
  readonly replace: (next: Evaluator) => void;
}

type Given = Context | null | undefined;

/** @param first what answers until something else is put in */
export function liveFlags(first: Evaluator): LiveFlags {
  let current = first;
  const snapshot = (): Evaluator => current;
  return {
    snapshot,
    replace: (next) => {
      current = next;
    },
    boolean: (key, context, fallback) => current.boolean(key, context, fallback),
    string: (key, context, fallback) => current.string(key, context, fallback),
    number: (key, context, fallback) => current.number(key, context, fallback),
    json: <T extends FlagValue>(key: string, context: Given, fallback: T) => current.json(key, context, fallback),
    booleanDetails: (key, context, fallback) => current.booleanDetails(key, context, fallback),
    stringDetails: (key, context, fallback) => current.stringDetails(key, context, fallback),
    numberDetails: (key, context, fallback) => current.numberDetails(key, context, fallback),
    jsonDetails: <T extends FlagValue>(key: string, context: Given, fallback: T) => current.jsonDetails(key, context, fallback),
    evaluate: (key, context) => current.evaluate(key, context),
    flag: (key) => liveHandle(key, snapshot),
  };
}

/** A handle that looks its flag up once per evaluator. */
function liveHandle(key: string, snapshot: () => Evaluator): FlagHandle {
  let known = snapshot();
  let handle = known.flag(key);
  const now = (): FlagHandle => {
    const current = snapshot();
    if (current !== known) {
      known = current;
      handle = current.flag(key);
    }
    return handle;
  };
  return {
    key,
    boolean: (context, fallback) => now().boolean(context, fallback),
    string: (context, fallback) => now().string(context, fallback),
    number: (context, fallback) => now().number(context, fallback),
    json: <T extends FlagValue>(context: Given, fallback: T) => now().json(context, fallback),
    evaluate: (context) => now().evaluate(context),
  };
}
