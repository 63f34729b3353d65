import {
  addReading,
  addToGuard,
  checkedReading,
  checkGuard,
  factOf,
  feedAtCheckpoint,
  NO_FEED,
  retold,
  type FactDefinition,
  type FactState,
  type Feed,
  type GuardDefinition,
  type GuardState,
  type Judgement,
  type MetricDefinition,
  type Reading,
  type SourceDefinition,
  type Tick,
} from '../../analysis/pure.ts';
import type { Check, Instant } from '../../kernel/pure.ts';
import type { Definition } from './definition.ts';

/** What is declared beside the router's own metrics; absent in plans of older builds. */
export interface Declared {
  readonly metrics?: readonly MetricDefinition[];
  readonly guards?: readonly GuardDefinition[];
  /** What the judge `documented` is told. */
  readonly facts?: readonly FactDefinition[];
}

/** All that slipway.yaml declares. */
export function declaredIn({ metrics, guards, strategy }: Definition): Declared {
  const facts = strategy.canary?.facts;
  return {
    ...(metrics === undefined ? {} : { metrics }),
    ...(guards === undefined ? {} : { guards }),
    ...(facts === undefined ? {} : { facts }),
  };
}

/** What is remembered of the sources from one look to the next, by name. */
export interface SourceMemory {
  readonly feeds: Readonly<Record<string, Feed>>;
  readonly guards: Readonly<Record<string, GuardState>>;
  readonly askedAt: Readonly<Record<string, Instant>>;
  /** By what they tell; absent in looks of older builds. */
  readonly facts?: Readonly<Record<string, FactState>>;
}

export const NO_SOURCES: SourceMemory = { feeds: {}, guards: {}, askedAt: {} };

/** An answer of a source, as it came in. */
export interface Answer {
  readonly name: string;
  readonly reading: Reading;
}

/** Every declared source by the name of its metric, guard or fact. */
export function sourcesOf({
  metrics = [],
  guards = [],
  facts = [],
}: Declared): readonly { readonly name: string; readonly source: SourceDefinition }[] {
  return [...metrics, ...guards, ...facts].map(({ name, source }) => ({ name, source }));
}

/** Whose turn it is. A clock that was set back makes it everybody's. */
export function dueOf(declared: Declared, { askedAt }: SourceMemory, now: Instant): readonly string[] {
  return sourcesOf(declared)
    .filter(({ name, source }) => {
      const before = askedAt[name];
      return before === undefined || now < before || now - before >= source.everyMs;
    })
    .map(({ name }) => name);
}

/** What was remembered, at a new weight: counts begin anew, and everybody is asked at once. */
export function sourcesAtCheckpoint({ feeds, ...rest }: SourceMemory): SourceMemory {
  return { ...rest, feeds: Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, feedAtCheckpoint(feed)])), askedAt: {} };
}

/** Answers taken in: what is remembered of them, and what the judge gets. `at` is the runner's clock. */
export function takeAnswers(
  { metrics = [], guards = [], facts = [] }: Declared,
  memory: SourceMemory,
  { answers, at }: { readonly answers: readonly Answer[]; readonly at: Instant },
): { readonly memory: SourceMemory; readonly news: Tick['metrics'] } {
  const feeds: Record<string, Feed> = { ...memory.feeds };
  const states: Record<string, GuardState> = { ...memory.guards };
  const news: Record<string, Tick['metrics'][string]> = {};
  for (const { name, reading } of answers) {
    const checked = checkedReading(reading, at);
    const metric = metrics.find((one) => one.name === name);
    const guard = guards.find((one) => one.name === name);
    if (metric !== undefined) {
      const taken = addReading(feeds[name] ?? NO_FEED, checked, metric.slowerThan);
      feeds[name] = taken.feed;
      if (taken.news !== undefined) news[name] = taken.news;
    }
    if (guard !== undefined) states[name] = addToGuard(guard, states[name] ?? null, checked, at);
  }
  const told = factsIn(facts, answers, at);
  return { memory: { ...memory, feeds, guards: states, facts: { ...memory.facts, ...told } }, news };
}

function factsIn(facts: readonly FactDefinition[], answers: readonly Answer[], at: Instant): NonNullable<SourceMemory['facts']> {
  const told = answers.flatMap(({ name, reading }) =>
    facts.filter((one) => one.name === name).map(({ fact }) => [fact, factOf(fact, checkedReading(reading, at), at)] as const),
  );
  return Object.fromEntries(told);
}

/** The guards as checks of the look. */
export function guardChecks({ guards = [] }: Declared, memory: SourceMemory): readonly Check[] {
  return guards.map((guard) => checkGuard(guard, memory.guards[guard.name] ?? null));
}

/** The judgement with what is silent named: which source, and why. */
export function sayWhySilent(judgement: Judgement, { metrics = [], facts = [] }: Declared, memory: SourceMemory): Judgement {
  const said = judgement.metrics.map((one) => {
    const metric = metrics.find(({ name }) => name === one.name);
    const source = (metric ?? facts.find(({ fact }) => fact === one.name))?.source;
    const why = (metric === undefined ? memory.facts : memory.feeds)?.[one.name]?.silent ?? null;
    if (one.verdict !== 'unknown' || source === undefined || why === null) return one;
    return {
      ...one,
      because: `its source ${source.from} gives no ${metric === undefined ? 'value' : 'counts'}, so nothing is known: ${why}`,
    };
  });
  return retold(judgement, said);
}

/** Names the metrics and where each comes from, for a person who reads the plan; empty when only the router is asked. */
export function nameSources(declared: Declared): string {
  const { metrics = [], guards = [], facts = [] } = declared;
  if (metrics.length + guards.length + facts.length === 0) return '';
  const told = (list: readonly { readonly name: string; readonly source: SourceDefinition }[]): string =>
    list.map(({ name, source }) => `${name} (${source.from})`).join(', ');
  const own = [...metrics, ...facts.map(({ fact, source }) => ({ name: fact, source }))];
  const judged = ['errors and latency (router)', ...(own.length === 0 ? [] : [told(own)])].join(', ');
  return ` by ${judged}${guards.length === 0 ? '' : `, guarded by ${told(guards)}`}`;
}
