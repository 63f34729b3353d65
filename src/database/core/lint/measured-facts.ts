import { TYPE_CHANGES, STATEMENT_FACTS, VERSIONS } from './measured.ts';

/** PostgreSQL's table locks, from the weakest to the strongest. */
export const LOCK_MODES = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
] as const;
export type LockMode = (typeof LOCK_MODES)[number];

/** The name of a measured statement form. */
export type FormName = keyof typeof STATEMENT_FACTS;

/** What a form of statement does to the relations of its fixture that were there before. */
export interface FormFacts {
  /** By the part the relation plays: `target`, `referenced`, `parent`, `partition`, `child`, `an_index`, `a_view`. */
  readonly locks: Readonly<Record<string, LockMode>>;
  readonly scans: readonly string[];
  readonly rewrites: readonly string[];
  /** Is an index built anew? */
  readonly rebuilds: boolean;
}

/** The cost of changing a column's type: the table is rewritten, read whole, or neither. */
export type TypeCost = 'free' | 'scan' | 'rewrite';

/** The versions between which facts are known. */
export const MEASURED = { oldest: VERSIONS[0], newest: VERSIONS[VERSIONS.length - 1] ?? VERSIONS[0] } as const;

/** The measured version whose facts are used for `version`: itself, else the newest or the oldest. */
export function measuredVersion(version: number): number {
  return Math.min(MEASURED.newest, Math.max(MEASURED.oldest, version));
}

/** What was measured for a form; null when that version does not have it. */
export function factsOf(form: FormName, version: number): FormFacts | null {
  const key = `${form}@${measuredVersion(version)}`;
  const known = CACHE.get(key);
  if (known !== undefined) return known;
  const facts = readFacts(form, measuredVersion(version));
  CACHE.set(key, facts);
  return facts;
}

/** The measured versions that have a form. */
export function versionsWith(form: FormName): readonly number[] {
  return [...byVersion(STATEMENT_FACTS[form]).keys()].toSorted((a, b) => a - b);
}

// Only what was read from a constant once.
const CACHE = new Map<string, FormFacts | null>();

function readFacts(form: FormName, version: number): FormFacts | null {
  const words = byVersion(STATEMENT_FACTS[form]).get(version);
  if (words === undefined) return null;
  const of = (verb: string): readonly string[] =>
    words.flatMap((word) => (word.startsWith(`${verb}=`) ? [word.slice(verb.length + 1)] : []));
  const locks = words.flatMap((word): (readonly [string, LockMode])[] => {
    const [relation = '', short = ''] = word.split('=');
    const mode = LOCK_MODES.find((one) => initials(one) === short);
    return mode === undefined ? [] : [[relation, mode]];
  });
  return { locks: Object.fromEntries(locks), scans: of('scan'), rewrites: of('rewrite'), rebuilds: of('rebuild').length > 0 };
}

/** `AE` for ACCESS EXCLUSIVE. */
function initials(mode: string): string {
  return mode.replace(/[a-z ]+|(?<=[A-Z])[A-Z]+/g, '');
}

/** Takes `11-14 target=AE scan=target; 15-18 target=AE` apart. */
export function byVersion(text: string): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, readonly string[]>();
  for (const part of text.split('; ')) {
    const [range = '', ...words] = part.split(' ');
    const [first = 0, last = first] = range.split('-').map(Number);
    for (let version = first; version <= last; version += 1) found.set(version, words);
  }
  return found;
}

/** What else than the types decides the cost of a type change. */
export interface ColumnUse {
  readonly indexed: boolean;
  readonly checked: boolean;
  /** Is it in an expression or the predicate of an index? */
  readonly computed: boolean;
  /** True when the session's TimeZone is UTC for certain. */
  readonly utc: boolean;
}

/** The cost of a kind of type change (`typeChange`). What is not in the table rewrites: it holds the exceptions. */
export function typeCost(change: string, version: number, use: ColumnUse): TypeCost {
  const at = measuredVersion(version);
  const atUtc = use.utc ? TYPE_CHANGES[`${change} at UTC`] : undefined;
  const [costs] = byVersion(atUtc ?? TYPE_CHANGES[change] ?? '').get(at) ?? [];
  if (costs === undefined) return 'rewrite';
  const uses = [true, use.indexed, use.checked, use.computed];
  return worst(costs.split('/').filter((_, index) => uses[index] === true));
}

function worst(costs: readonly string[]): TypeCost {
  if (costs.includes('rewrite')) return 'rewrite';
  return costs.includes('scan') ? 'scan' : 'free';
}
