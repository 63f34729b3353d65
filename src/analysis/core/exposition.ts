import type { Selector } from './selector.ts';

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+([^\s]+)(?:\s+-?\d+)?$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** The sum of the series in Prometheus' text format that a selector means; null where there is none of them, or one is no number. */
export function sumInExposition(text: string, { name, where }: Selector): number | null {
  let sum: number | null = null;
  for (const line of text.split('\n')) {
    const [, series, labels = '', value = ''] = LINE.exec(line.trim()) ?? [];
    if (series !== name || !hasLabels(labels, where)) continue;
    const number = Number(value);
    if (!Number.isFinite(number)) return null;
    sum = (sum ?? 0) + number;
  }
  return sum;
}

function hasLabels(labels: string, where: Selector['where']): boolean {
  const found = new Map([...labels.matchAll(LABEL)].map(([, key = '', value = '']) => [key, value.replaceAll(/\\(.)/g, unescaped)]));
  return Object.entries(where).every(([key, value]) => found.get(key) === value);
}

const unescaped = (_whole: string, character: string): string => (character === 'n' ? '\n' : character);
