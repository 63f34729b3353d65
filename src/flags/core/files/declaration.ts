import type { Condition, FlagType, FlagValue, Serve, ValueType } from '../../../../packages/flags/src/core/definition.ts';

/** Where something stands in a file of the repository; both count from 1. */
export interface Place {
  /** As a person would name it: relative to the folder they work in. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What a file says of a flag; what is left out is filled in by `resolve.ts`. */
export interface FlagFields {
  readonly type?: FlagType | undefined;
  readonly valueType?: ValueType | undefined;
  readonly variants?: Readonly<Record<string, FlagValue>> | undefined;
  readonly enabled?: boolean | undefined;
  readonly off?: string | undefined;
  readonly rules?: readonly { readonly name?: string | undefined; readonly when: Condition; readonly serve: Serve }[] | undefined;
  readonly default?: Serve | undefined;
  readonly prerequisites?: readonly { readonly flag: string; readonly variants: readonly string[] }[] | undefined;
  readonly salt?: string | undefined;
  /** Null: what a client knew last. */
  readonly stale?: { readonly afterMs: number } | null | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly owner?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly created?: string | undefined;
  /** Null: it has no end. */
  readonly expires?: string | null | undefined;
}

/** What differs in one environment: these fields instead of those above, or that the flag is not there at all. */
export type Override<Fields> = Partial<Fields> | 'absent';

/** One flag as the files declare it, for all environments. */
export interface FlagDeclaration {
  readonly key: string;
  readonly fields: FlagFields;
  readonly environments: Readonly<Record<string, Override<FlagFields>>>;
  readonly tests: readonly FlagTest[];
}

export interface SegmentFields {
  readonly description?: string | undefined;
  readonly when?: Condition | undefined;
}

export interface SegmentDeclaration {
  readonly key: string;
  readonly fields: SegmentFields;
  readonly environments: Readonly<Record<string, Override<SegmentFields>>>;
}

/** One assertion on a flag. */
export interface FlagTest {
  readonly name: string | null;
  /** Empty: every environment that is tested. */
  readonly environments: readonly string[];
  readonly context: Readonly<Record<string, FlagValue>>;
  readonly expect: Expected;
  readonly place: Place;
}

/** What must be so; what is left out may be anything. */
export interface Expected {
  readonly value?: FlagValue | undefined;
  readonly variant?: string | undefined;
  readonly reason?: string | undefined;
  /** Name of the rule that must have decided; null: none. */
  readonly rule?: string | null | undefined;
}

/** Everything that the files of a folder declare. */
export interface FlagFiles {
  readonly flags: readonly FlagDeclaration[];
  readonly segments: readonly SegmentDeclaration[];
}
