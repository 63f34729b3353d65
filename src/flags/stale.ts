import type { Flag, FlagSet } from '../../packages/flags/src/core/definition.ts';
import type { Duration, Instant } from '../kernel/index.ts';
import { readLife, type FlagLife } from './core/life.ts';
import { judgeLife, type CodeFacts, type CountFacts, type JudgedLife } from './core/stale.ts';
import { historyOf } from './killed.ts';
import { ALL_FLAGS, type FlagStore, type FlagTelemetry } from './ports.ts';
import type { CodeReferences } from './refs/scan-repository.ts';

export interface StaleDeps {
  readonly store: FlagStore;
  readonly telemetry: Pick<FlagTelemetry, 'counted'>;
}

export interface StaleQuestion {
  readonly environment: string;
  /** How long something must have been so before a flag may go for it. */
  readonly afterMs: Duration;
  /** Looks for these keys in the code. */
  readonly code: (known: ReadonlySet<string>) => Promise<FoundCode>;
}

/** What the code asks for; or why that is not known. */
export type FoundCode = CodeReferences | { readonly why: string };

/** One flag, and whether it may go. */
export interface FlagStanding extends JudgedLife, FlagLife {
  readonly key: string;
  readonly flag: Flag;
}

/** A place in the code that asks for a flag the environment does not have. */
export interface Dangling {
  readonly key: string;
  readonly file: string;
  readonly line: number;
}

export interface StaleReport {
  readonly environment: string;
  readonly seq: number;
  /** By the store's clock. */
  readonly at: Instant;
  readonly flags: readonly FlagStanding[];
  readonly dangling: readonly Dangling[];
}

/** Counts are kept by the hour. */
const HOUR_MS = 3_600_000;

/** Histories that are read at once. */
const ABREAST = 4;

/** Asks of every flag of an environment whether it is still needed; and of the code, whether it asks for flags that there are. */
export async function findStale({ store, telemetry }: StaleDeps, question: StaleQuestion): Promise<StaleReport> {
  const { environment, afterMs } = question;
  const { set } = await store.read(environment);
  const keys = Object.keys(set.flags);
  const code = await question.code(new Set(keys));
  const now = await store.now();
  const counts = await countFacts(telemetry, environment, now - afterMs);
  const facts = { now, afterMs, counts, code: codeFacts(code, set), requiredBy: requiredIn(set) };
  const flags: FlagStanding[] = [];
  for (let first = 0; first < keys.length; first += ABREAST) {
    const some = keys.slice(first, first + ABREAST).flatMap((key) => (set.flags[key] === undefined ? [] : [{ key, flag: set.flags[key] }]));
    const lives = await Promise.all(some.map(async (one) => ({ ...one, life: await lifeOf(store, environment, one, now - afterMs) })));
    flags.push(...lives.map(({ key, flag, life }) => ({ key, flag, ...life, ...judgeLife(key, flag, life, facts) })));
  }
  return { environment, seq: set.seq, at: now, flags, dangling: danglingIn(code, set) };
}

interface Named {
  readonly key: string;
  readonly flag: Flag;
}

async function lifeOf(store: FlagStore, environment: string, { key, flag }: Named, longAgo: Instant): Promise<FlagLife> {
  const { take, life } = readLife(flag, longAgo);
  for await (const { seq, at, writes } of historyOf(store, environment, key)) {
    const write = writes.find((one) => one.kind === 'flag' && one.key === key);
    if (write?.kind === 'flag' && !take({ seq, at, before: write.before, after: write.after })) break;
  }
  return life();
}

async function countFacts(telemetry: StaleDeps['telemetry'], environment: string, longAgo: Instant): Promise<CountFacts> {
  const [kept, recent] = await Promise.all([telemetry.counted(environment, 0), telemetry.counted(environment, longAgo)]);
  const byFlag = (counts: typeof kept): ReadonlyMap<string, number> => {
    const sums = new Map<string, number>();
    for (const { flag, count } of counts) sums.set(flag, (sums.get(flag) ?? 0) + count);
    return sums;
  };
  const sum = (counts: typeof kept): number => counts.reduce((total, { count }) => total + count, 0);
  const askedForAll = kept.some(({ flag, lastAt }) => flag === ALL_FLAGS.flag && lastAt + HOUR_MS > longAgo);
  return { asked: byFlag(kept), askedSince: byFlag(recent), longEnough: sum(kept) > sum(recent), askedForAll };
}

function codeFacts(code: FoundCode, set: FlagSet): CodeFacts {
  if ('why' in code) return code;
  const places = new Map<string, number>();
  for (const { key } of code.references) if (key !== null && Object.hasOwn(set.flags, key)) places.set(key, (places.get(key) ?? 0) + 1);
  return { places, computed: code.references.filter(({ key }) => key === null).length };
}

function requiredIn(set: FlagSet): ReadonlyMap<string, string> {
  return new Map(Object.entries(set.flags).flatMap(([key, { prerequisites }]) => prerequisites.map(({ flag }) => [flag, key] as const)));
}

function danglingIn(code: FoundCode, set: FlagSet): readonly Dangling[] {
  if ('why' in code) return [];
  return code.references.flatMap(({ key, by, file, line }) =>
    key === null || by !== 'call' || Object.hasOwn(set.flags, key) ? [] : [{ key, file, line }],
  );
}
