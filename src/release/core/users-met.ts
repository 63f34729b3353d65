import type { Duration } from '../../kernel/pure.ts';
import { decisionsOf } from './decisions.ts';
import type { ReleaseEvent } from './events.ts';
import { newGroupOf } from './serving.ts';
import type { ReleaseState } from './state.ts';

/** What users met of a release that was taken back, by its ledger. */
export interface UsersMet {
  /** All the time for which the route was not open to the old version alone; null when it always was. */
  readonly degradedMs: Duration | null;
  /** Of that, the time for which requests were held or refused. */
  readonly heldMs: Duration;
  /** The largest share of them that was sent to the new version, in percent. */
  readonly mostPercent: number;
  /** What a canary was judged by: its requests, and those that failed; null without a canary. */
  readonly judged: { readonly requests: number; readonly bad: number } | null;
}

/** Reads it from the steps that moved users, and from what a canary was judged by. */
export function usersMet(state: ReleaseState, events: readonly ReleaseEvent[]): UsersMet {
  const { plan } = state;
  const whole = `${plan.previous?.version ?? ''} 100 %`;
  const routes = events.flatMap((event) =>
    event.type === 'step.finished' && event.data.facts['mode'] !== undefined
      ? [{ time: event.time, mode: event.data.facts['mode'], where: event.data.facts['where'], percent: shareIn(state, event.data.step) }]
      : [],
  );
  const away = routes.flatMap((from, index) => {
    const until = routes[index + 1];
    const onOld = from.mode === 'open' && from.where === whole;
    return onOld || until === undefined ? [] : [{ ...from, ms: until.time - from.time }];
  });
  const open = away.filter(({ mode }) => mode === 'open');
  const sum = (parts: readonly { readonly ms: Duration }[]): Duration => parts.reduce((total, { ms }) => total + ms, 0);
  return {
    degradedMs: away.length === 0 ? null : sum(away),
    heldMs: sum(away) - sum(open),
    mostPercent: Math.max(0, ...open.map(({ percent }) => percent)),
    judged: judgedOf(state, events),
  };
}

/** The new version's share of the route that a step sets. */
function shareIn({ plan, undo }: ReleaseState, id: string): number {
  const step = [...plan.steps, ...(undo ?? [])].find((one) => one.id === id);
  const backends = (step?.input['backends'] ?? []) as readonly { readonly group: string; readonly weight: number }[];
  return backends.find(({ group }) => group === newGroupOf(plan))?.weight ?? 0;
}

function judgedOf({ plan }: ReleaseState, events: readonly ReleaseEvent[]): UsersMet['judged'] {
  const spans = decisionsOf(plan, events).flatMap(({ series }) =>
    series.filter(({ metric }) => metric === 'errors').flatMap((one) => one.spans),
  );
  if (spans.length === 0) return null;
  return spans.reduce((sum, { canary }) => ({ requests: sum.requests + canary.requests, bad: sum.bad + canary.bad }), {
    requests: 0,
    bad: 0,
  });
}
