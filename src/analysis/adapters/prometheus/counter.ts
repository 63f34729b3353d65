import type { Duration } from '../../../kernel/index.ts';
import type { Selector } from '../../core/selector.ts';
import { askPrometheus } from './http.ts';
import { numbersIn } from './answer.ts';

/** Where a counter is kept. */
export interface CounterPlace {
  readonly url: string;
  readonly token: string | null;
  readonly timeoutMs: Duration;
}

/** By how much a counter rose, or why nobody can say. */
export type Rise = { readonly value: number } | { readonly problem: string };

/**
 * By how much all series of a counter rose together in the time before now. A series that began in that time counts from zero; where
 * there was none at its beginning, nothing is known of all of it.
 */
export async function riseOf(place: CounterPlace, selector: Selector, overMs: Duration, signal: AbortSignal): Promise<Rise> {
  const series = textOf(selector);
  const seconds = Math.max(1, Math.round(overMs / 1000));
  const query = `label_replace(count(${series} offset ${seconds}s), "of", "before", "", "") or label_replace(sum(increase(${series}[${seconds}s])) + (sum(${series} unless ${series} offset ${seconds}s) or vector(0)), "of", "rise", "", "")`;
  const answered = await askPrometheus(place, query, signal);
  if ('problem' in answered) return answered;
  const numbers = numbersIn(answered.json, 'of');
  if (typeof numbers === 'string') return { problem: numbers };
  if ((numbers.get('before') ?? 0) === 0) return { problem: `it had no ${series} at the beginning of the window` };
  const value = numbers.get('rise');
  return value === undefined ? { problem: `it has no ${series}` } : { value };
}

function textOf({ name, where }: Selector): string {
  const matchers = Object.entries(where).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return matchers.length === 0 ? name : `${name}{${matchers.join(',')}}`;
}
