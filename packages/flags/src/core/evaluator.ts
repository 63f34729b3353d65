import type { ErrorCode, FlagValue, Reason, ValueType } from './definition.ts';
import type { Outcome } from './flag.ts';

/** Whom a flag is evaluated for: `targetingKey` names them, anything else are attributes that rules ask for. */
export interface Context {
  readonly targetingKey?: string;
  readonly [attribute: string]: unknown;
}

/** What was served and why. `undefined` values: nothing was, and the caller's own default counts. */
export interface Evaluation {
  readonly key: string;
  readonly value: FlagValue | undefined;
  readonly variant: string | null;
  readonly reason: Reason;
  /** Name of the rule that served. */
  readonly rule: string | null;
  /** Key of the prerequisite that was not met, wherefore the variant `off` was served. */
  readonly prerequisite: string | null;
  readonly errorCode: ErrorCode | null;
  /** For people; null without an error. */
  readonly errorMessage: string | null;
}

/** What a flag serves to somebody, and why, without its key: flags that serve the same share it. */
export type Decision = Outcome;

/** The same for one type: `value` is the caller's default where there is an error. */
export type Details<T> = Omit<Evaluation, 'value'> & { readonly value: T };

/** Evaluation of one flag. Nothing here throws, whatever the context. `null` and `undefined` are contexts without attributes. */
export interface FlagHandle {
  readonly key: string;
  readonly boolean: (context: Context | null | undefined, fallback: boolean) => boolean;
  readonly string: (context: Context | null | undefined, fallback: string) => string;
  readonly number: (context: Context | null | undefined, fallback: number) => number;
  /** The value is frozen. That it has the type of the default is the word of whoever wrote the flag. */
  readonly json: <T extends FlagValue>(context: Context | null | undefined, fallback: T) => T;
  readonly evaluate: (context: Context | null | undefined) => Evaluation;
}

/** Evaluation of all flags of one moment. Nothing here throws, whatever key and context. */
export interface Evaluations {
  readonly boolean: (key: string, context: Context | null | undefined, fallback: boolean) => boolean;
  readonly string: (key: string, context: Context | null | undefined, fallback: string) => string;
  readonly number: (key: string, context: Context | null | undefined, fallback: number) => number;
  /** The value is frozen. That it has the type of the default is the word of whoever wrote the flag. */
  readonly json: <T extends FlagValue>(key: string, context: Context | null | undefined, fallback: T) => T;
  readonly booleanDetails: (key: string, context: Context | null | undefined, fallback: boolean) => Details<boolean>;
  readonly stringDetails: (key: string, context: Context | null | undefined, fallback: string) => Details<string>;
  readonly numberDetails: (key: string, context: Context | null | undefined, fallback: number) => Details<number>;
  readonly jsonDetails: <T extends FlagValue>(key: string, context: Context | null | undefined, fallback: T) => Details<T>;
  /** Whatever type the flag has, without a default. */
  readonly evaluate: (key: string, context: Context | null | undefined) => Evaluation;
  /** The flag, found once: for hot paths. A flag that is not there gets a handle too, which serves defaults. */
  readonly flag: (key: string) => FlagHandle;
}

/** A flag set, compiled. It never changes: whoever holds one sees one consistent version. */
export interface Evaluator extends Evaluations {
  readonly environment: string;
  readonly seq: number;
  /** In the order of the set. */
  readonly keys: readonly string[];
  readonly valueTypeOf: (key: string) => ValueType | null;
  /** Every flag, for one context: what OFREP calls bulk. */
  readonly evaluateAll: (context: Context | null | undefined) => readonly Evaluation[];
  /**
   * The same without an object made for each: what each flag of `keys` decided, null where `evaluateAll` tells of an error. A flag that decides
   * the same again answers the same object, so that what is made of it can be kept beside it.
   */
  readonly decisions: (context: Context | null | undefined) => readonly (Decision | null)[];
  /** Flags that cannot be evaluated, and serve the caller's default with `PARSE_ERROR`. */
  readonly problems: readonly { readonly flag: string; readonly message: string }[];
  /** All `stale.afterMs` of the set, ascending: when a client that hears nothing has to compile again, with `silentForMs`. */
  readonly staleAfterMs: readonly number[];
}
