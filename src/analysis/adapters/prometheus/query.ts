import { fillQuery } from '../../core/promql.ts';
import type { Ask, Question } from '../../ports.ts';

const SIDES = ['canary', 'stable'] as const;
export type Side = (typeof SIDES)[number];

/** What one part of the question is about. */
export type Part = `${Side} ${'requests' | 'bad' | 'histogram' | 'gauge'}`;

/** The label that says which part of the question a series answers. */
export const PART = 'slipway_part';

/** All parts in one query: each with a label that says which it is. */
export function queryOf(ask: Ask, question: Question): string {
  return partsOf(ask, question)
    .map(({ part, query }) => `label_replace((${query}\n), "${PART}", "${part}", "", "")`)
    .join(' or ');
}

function partsOf(ask: Ask, { service, environment, ...versions }: Question): readonly { readonly part: Part; readonly query: string }[] {
  return SIDES.flatMap((side): readonly { readonly part: Part; readonly query: string }[] => {
    const fill = (query: string): string => fillQuery(query, { ...versions[side], service, environment });
    switch (ask.kind) {
      case 'counts':
        return [
          { part: `${side} requests`, query: fill(ask.requests) },
          { part: `${side} bad`, query: fill(ask.bad) },
        ];
      case 'histogram':
        return [{ part: `${side} histogram`, query: fill(ask.histogram) }];
      case 'gauge':
        return [{ part: `${side} gauge`, query: fill(ask.gauge) }];
    }
  });
}
