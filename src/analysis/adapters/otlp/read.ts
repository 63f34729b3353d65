import type { Instant } from '../../../kernel/index.ts';
import { silent, type Both, type Histogram, type Measured, type Reading, type Silent } from '../../core/reading.ts';
import { parseSelector, type Selector } from '../../core/selector.ts';
import type { Ask, Question } from '../../ports.ts';
import { FRESH_MS, type Total } from './total.ts';

interface Wanted {
  readonly ask: Ask;
  readonly question: Question;
  readonly now: Instant;
  readonly epoch: string;
}

/** What was counted of both versions until now. */
export function readTotals(totals: readonly Total[], { ask, question, now, epoch }: Wanted): Reading {
  const mine = totals.filter(({ service }) => service === question.service);
  const used: Total[] = [];
  const find = (version: string, selector: Selector): readonly Total[] => {
    const found = mine.filter((total) => total.version === version && matches(total, selector));
    used.push(...found);
    return found;
  };
  const measured = measure(mine, { ask, question, now }, find);
  if (measured.kind === 'silent') return measured;
  const restarts = [...new Set(used)].reduce((sum, total) => sum + total.restarts, 0);
  return { ...measured, at: now, epoch: `${epoch}/${restarts}` };
}

type Find = (version: string, selector: Selector) => readonly Total[];

function measure(mine: readonly Total[], { ask, question, now }: Omit<Wanted, 'epoch'>, find: Find): Measured | Silent {
  switch (ask.kind) {
    case 'counts':
      return counts(mine, { requests: selectorOf(ask.requests), bad: selectorOf(ask.bad) }, { question, find });
    case 'histogram':
      return histogram(selectorOf(ask.histogram), question, find);
    case 'gauge':
      return gauge(selectorOf(ask.gauge), { question, now, find });
  }
}

/** The configuration refuses what is no selector. */
function selectorOf(text: string): Selector {
  const selector = parseSelector(text);
  if (selector === null) throw new Error(`Not a metric's name with attributes: ${text}`);
  return selector;
}

function matches({ metric, attributes }: Total, { name, where }: Selector): boolean {
  return metric === name && Object.entries(where).every(([key, value]) => attributes[key] === value);
}

interface Around {
  readonly question: Question;
  readonly find: Find;
}

function counts(
  mine: readonly Total[],
  { requests, bad }: { readonly requests: Selector; readonly bad: Selector },
  { question, find }: Around,
): Measured | Silent {
  // What never failed sends no series of failures. A name nobody ever sent is a wrong name, and no zero.
  if (!mine.some(({ metric }) => metric === bad.name)) return silent(`no metric "${bad.name}" was received from ${question.service}`);
  const arms = both(question, (version) => {
    const all = find(version, requests);
    return all.length === 0 ? noneOf(requests, version) : { requests: sumOf(all), bad: sumOf(find(version, bad)) };
  });
  return isSilent(arms) ? arms : { kind: 'counts', versions: arms };
}

function sumOf(totals: readonly Total[]): number {
  return totals.reduce((sum, { values }) => sum + values.reduce((one, other) => one + other, 0), 0);
}

function histogram(selector: Selector, question: Question, find: Find): Measured | Silent {
  const versions = both(question, (version): Histogram | Silent => {
    const all = find(version, selector).filter(({ kind }) => kind === 'histogram');
    const [first] = all;
    if (first === undefined) return noneOf(selector, version);
    if (all.some(({ bounds }) => bounds.join() !== first.bounds.join()))
      return silent(`"${selector.name}" of ${version} has series with different buckets`);
    return {
      bounds: [...first.bounds, null],
      counts: first.values.map((_count, index) => all.reduce((sum, { values }) => sum + (values[index] ?? 0), 0)),
    };
  });
  return isSilent(versions) ? versions : { kind: 'histogram', versions };
}

/** The worst instance stands for its version: an average hides it. */
function gauge(selector: Selector, { question, now, find }: Around & { readonly now: Instant }): Measured | Silent {
  const versions = both(question, (version): number | Silent => {
    const values = find(version, selector).flatMap(({ newest }) =>
      [...newest.values()].filter(({ heardAt }) => now - heardAt <= FRESH_MS).map(({ value }) => value),
    );
    return values.length === 0 ? noneOf(selector, version) : Math.max(...values);
  });
  return isSilent(versions) ? versions : { kind: 'gauge', versions };
}

function noneOf({ name }: Selector, version: string): Silent {
  return silent(`no metric "${name}" with these attributes was received from ${version}`);
}

function both<T>({ canary, stable }: Question, of: (version: string) => T | Silent): Both<T> | Silent {
  const one = of(canary.version);
  if (isSilent(one)) return one;
  const other = of(stable.version);
  return isSilent(other) ? other : { canary: one, stable: other };
}

function isSilent(value: unknown): value is Silent {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'silent';
}
