import type { ReleaseState } from './state.ts';

/** What steps that passed want a person to know (restarts in the window, a router that was away), for the end of the release. */
export function remarksOf({ steps }: Pick<ReleaseState, 'steps'>): readonly string[] {
  return Object.values(steps).flatMap(({ facts }) => {
    const told = facts['remarks'];
    return Array.isArray(told) ? told.filter((one): one is string => typeof one === 'string') : [];
  });
}
