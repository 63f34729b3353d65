import { laterOf, othersOf, type Need, type ReleaseSet } from '../set.ts';
import type { Step } from '../plan.ts';
import { asJson } from './draft.ts';
import { step, UNDO_OPTIONS } from './input.ts';

/** Where members of a set wait for each other, by the stage of the step that follows. */
type Meeting = 'migrate' | 'deploy' | 'observe' | 'evidence';

const MEETINGS: Readonly<Record<Meeting, string>> = {
  migrate: 'built and tested, before anything changes',
  deploy: 'started and smoked, before users move',
  observe: 'watched to the end, before an old version is let go',
  evidence: 'complete, before any is final',
};

/** Waits until the other services of the set are as far; nothing for a release of one service. */
export function meet(set: ReleaseSet | undefined, release: string, at: Meeting): readonly Step[] {
  if (set === undefined || (at === 'deploy' && set.order === 'in-turn')) return [];
  const id = `${at}.companions`;
  const needs = othersOf(set, release).map((one): Need => ({ ...one, step: id, until: 'begun' }));
  const turn = at === 'migrate' ? turnOf(set, release) : [];
  const names = othersOf(set, release).map(({ service }) => service);
  return [
    step(
      at,
      'companions',
      {
        kind: 'companions',
        title: `wait for ${names.join(', ')}: ${MEETINGS[at]}`,
        input: { needs: asJson([...needs, ...turn]) },
      },
      { repeat: { everyMs: 0, forMs: 0 }, holds: true },
    ),
  ];
}

/** Its turn comes when the service before it serves its users. */
function turnOf({ order, members }: ReleaseSet, release: string): readonly Need[] {
  const before = members[members.findIndex((one) => one.release === release) - 1];
  return order === 'together' || before === undefined ? [] : [{ ...before, step: 'observe.window', until: 'begun' }];
}

/** A checkpoint of a canary is passed by all or none; in turn, each service's canary is its own. */
export function companionsAt(set: ReleaseSet | undefined, release: string, id: string): readonly Need[] {
  if (set === undefined || set.order === 'in-turn') return [];
  return othersOf(set, release).map((one) => ({ ...one, step: id, until: 'passed' }));
}

/** The first step of every way back: the others go back too, and those that build on this service before it. */
export function recall(set: ReleaseSet | undefined, release: string): readonly Step[] {
  if (set === undefined) return [];
  const others = othersOf(set, release);
  return [
    step(
      'rollback',
      'companions',
      {
        kind: 'recall',
        title: `take ${others.map(({ service }) => service).join(', ')} back as well`,
        input: { others: asJson(others), first: asJson(laterOf(set, release)) },
      },
      UNDO_OPTIONS,
    ),
  ];
}
