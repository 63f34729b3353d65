import {
  addReading,
  addToGuard,
  checkedReading,
  checkGuard,
  feedAtCheckpoint,
  NO_FEED,
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

/** What is declared beside the router's own metrics; absent in plans of older builds. */
export interface Declared {
  readonly metrics?: readonly MetricDefinition[];
  readonly guards?: readonly GuardDefinition[];
}

/** What is remembered of the sources from one look to the next, by name. */
export interface SourceMemory {
  readonly feeds: Readonly<Record<string, Feed>>;
  readonly guards: Readonly<Record<string, GuardState>>;
  readonly askedAt: Readonly<Record<string, Instant>>;
}

export const NO_SOURCES: SourceMemory = { feeds: {}, guards: {}, askedAt: {} };

/** An answer of a source, as it came in. */
export interface Answer {
  readonly name: string;
  readonly reading: Reading;
}

/** Every declared source by the name of its metric or guard. */
export function sourcesOf({
  metrics = [],
  guards = [],
}: Declared): readonly { readonly name: string; readonly source: SourceDefinition }[] {
  return [...metrics, ...guards].map(({ name, source }) => ({ name, source }));
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
export function sourcesAtCheckpoint({ feeds, guards }: SourceMemory): SourceMemory {
  return { feeds: Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, feedAtCheckpoint(feed)])), guards, askedAt: {} };
}

/** Answers taken in: what is remembered of them, and what the judge gets. `at` is the runner's clock. */
export function takeAnswers(
  { metrics = [], guards = [] }: Declared,
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
  return { memory: { ...memory, feeds, guards: states }, news };
}

/** The guards as checks of the look. */
export function guardChecks({ guards = [] }: Declared, memory: SourceMemory): readonly Check[] {
  return guards.map((guard) => checkGuard(guard, memory.guards[guard.name] ?? null));
}

/** The judgement with what is silent named: which source, and why. */
export function sayWhySilent(judgement: Judgement, { metrics = [] }: Declared, { feeds }: SourceMemory): Judgement {
  const said = judgement.metrics.map((one) => {
    const source = metrics.find(({ name }) => name === one.name)?.source;
    const why = feeds[one.name]?.silent ?? null;
    if (one.verdict !== 'unknown' || source === undefined || why === null) return one;
    return { ...one, because: `its source ${source.from} gives no counts, so nothing is known: ${why}` };
  });
  const deciding = said.filter(({ verdict }) => verdict === judgement.verdict);
  return { ...judgement, metrics: said, because: deciding.map(({ name, because }) => `${name}: ${because}`).join('; ') };
}

/** Names the metrics and where each comes from, for a person who reads the plan; empty when only the router is asked. */
export function nameSources(declared: Declared): string {
  const { metrics = [], guards = [] } = declared;
  if (metrics.length + guards.length === 0) return '';
  const told = (list: readonly { readonly name: string; readonly source: SourceDefinition }[]): string =>
    list.map(({ name, source }) => `${name} (${source.from})`).join(', ');
  const judged = ['errors and latency (router)', ...(metrics.length === 0 ? [] : [told(metrics)])].join(', ');
  return ` by ${judged}${guards.length === 0 ? '' : `, guarded by ${told(guards)}`}`;
}
