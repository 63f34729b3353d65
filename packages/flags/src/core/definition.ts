/**
 * What a flag is, as data: the same in a file of the repository, in the server, and in the snapshot that a client evaluates.
 * `docs/flags/format.md` is the description for people and for other languages.
 */

/** A value a flag may have. */
export type FlagValue = JsonValue;
export type JsonValue = null | boolean | string | number | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export type ValueType = 'boolean' | 'string' | 'number' | 'json';

/** Why a flag is there: how long it may live, and who may change it, follows from this. */
export type FlagType = 'release' | 'ops' | 'experiment' | 'permission';

/** All flags of one environment at one moment. What is not named here does not exist. */
export interface FlagSet {
  readonly format: 1;
  readonly environment: string;
  /** Grows by one with every change in the environment; 0 for one that came from a file. */
  readonly seq: number;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly segments: Readonly<Record<string, Segment>>;
}

/** One flag. Evaluated in this order: off, prerequisites, rules, default. */
export interface Flag {
  readonly type: FlagType;
  readonly valueType: ValueType;
  /** Values by the name of their variant; at least one. All are of `valueType`. */
  readonly variants: Readonly<Record<string, FlagValue>>;
  /** False: everybody gets the variant `off`, whatever else stands here. A kill switch sets it. */
  readonly enabled: boolean;
  /** Served while the flag is off, a prerequisite is not met, or `stale` says so. The safe one. */
  readonly off: string;
  /** Tried in their order; the first whose `when` holds serves. */
  readonly rules: readonly Rule[];
  /** Served to whom no rule holds. */
  readonly default: Serve;
  /** Flags that must serve one of these variants to the same context, or `off` is served. No cycles. */
  readonly prerequisites: readonly { readonly flag: string; readonly variants: readonly string[] }[];
  /** Goes into the hash in the place of the key, so that a renamed flag keeps its buckets. */
  readonly salt: string;
  /** Which hash decides buckets: 1 is murmur3_x86_32 over UTF-8. */
  readonly hash: 1;
  /** What a client serves that heard nothing for longer than `afterMs`; null: what it knew last. */
  readonly stale: { readonly afterMs: number } | null;
  readonly about: About;
}

/** What people know of a flag; nothing of it decides a value, and clients may be sent an empty one. */
export interface About {
  readonly name: string;
  readonly description: string;
  /** Who answers for it: a person or a team. */
  readonly owner: string;
  readonly tags: readonly string[];
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** When it should be gone; null only for `ops` and `permission`. */
  readonly expiresAt: string | null;
}

export interface Rule {
  /** Unique within the flag; told in the reason of an evaluation. */
  readonly name: string;
  readonly when: Condition;
  readonly serve: Serve;
}

/** One variant for everybody, or a split of everybody. */
export type Serve = { readonly variant: string } | Split;

/**
 * Deals contexts among variants by a stable hash of salt and attribute. `weights` are in thousandths of a percent (so 100,000 is
 * everybody) and sum up to 100,000. Their order is part of the meaning: raising the first one only ever adds to it.
 * A context without the attribute gets the variant `off`, never a random one.
 */
export interface Split {
  readonly weights: readonly { readonly variant: string; readonly weight: number }[];
  /** Path of the attribute that sticks to a variant; default `targetingKey`. */
  readonly by?: string;
  /** Goes into the hash in the place of the flag's salt, for splits that must deal independently or alike. */
  readonly salt?: string;
}

/** A named group of contexts, used by many flags. */
export interface Segment {
  readonly description: string;
  readonly when: Condition;
}

/**
 * What must hold of a context. An attribute that is missing, null or of another type than the operator works on never matches, nor
 * does a `not` around it make it match: `not` is pushed down to the comparisons (De Morgan), and a negated one needs its attribute too.
 */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | { readonly segment: string }
  /** Holds for this share of contexts, in thousandths of a percent, by the same hash as a split. */
  | { readonly percentage: number; readonly by?: string; readonly salt?: string }
  | Comparison;

/** `attribute` is a path: `plan`, or `user.address.country`; a name with a dot in it stands in quotes: `"a.b".c`. */
export type Comparison = { readonly attribute: string } & (
  | { readonly operator: 'exists' | 'missing' }
  | { readonly operator: 'eq' | 'ne'; readonly value: string | number | boolean }
  | { readonly operator: 'in' | 'notIn'; readonly values: readonly (string | number | boolean)[] }
  /** Of a string: has this part. Of an array of strings: has this element. */
  | { readonly operator: 'contains' | 'notContains'; readonly value: string }
  | { readonly operator: 'startsWith' | 'endsWith'; readonly values: readonly string[]; readonly ignoreCase?: boolean }
  /** A regular expression of the safe subset, found anywhere in the string. */
  | { readonly operator: 'matches'; readonly value: string }
  | { readonly operator: 'lt' | 'lte' | 'gt' | 'gte'; readonly value: number }
  | { readonly operator: 'semverEq' | 'semverLt' | 'semverLte' | 'semverGt' | 'semverGte'; readonly value: string }
  /** ISO 8601 with a zone, or milliseconds since 1970 as a number, in the context; ISO 8601 here. */
  | { readonly operator: 'before' | 'after'; readonly value: string }
);

/** Why a value is what it is; the names are OpenFeature's. */
export type Reason = 'STATIC' | 'TARGETING_MATCH' | 'SPLIT' | 'DEFAULT' | 'DISABLED' | 'CACHED' | 'STALE' | 'ERROR';

export type ErrorCode = 'FLAG_NOT_FOUND' | 'TYPE_MISMATCH' | 'TARGETING_KEY_MISSING' | 'PROVIDER_NOT_READY' | 'PARSE_ERROR' | 'GENERAL';
