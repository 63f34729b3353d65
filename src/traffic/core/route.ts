import type { Cohort } from './cohort.ts';
import { problemsOfCohort } from './cohort-problems.ts';

/** The parts of a route that can contradict each other; the port's `RouteSpec` has them all. */
export interface RouteShape {
  readonly id: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly backends: readonly { readonly group: string; readonly weight: number }[];
  readonly cohort?: Cohort | undefined;
}

/** Everything wrong with a route, in words for its author; empty when it can be applied. */
export function problemsOfRoute(route: RouteShape): readonly string[] {
  const problems: string[] = [];
  const { port } = route.listen;
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    problems.push(`listen.port is ${port}; it must be a whole number from 1 to 65535`);
  for (const { group, weight } of route.backends) {
    if (!Number.isInteger(weight) || weight < 0 || weight > 100)
      problems.push(`the weight of ${group} is ${weight}; it must be a whole percent from 0 to 100`);
  }
  const total = route.backends.reduce((sum, { weight }) => sum + weight, 0);
  if (route.backends.length > 0 && total !== 100) problems.push(`the weights sum to ${total}; they must sum to 100`);
  const groups = route.backends.map(({ group }) => group);
  const repeated = groups.find((group, index) => groups.indexOf(group) !== index);
  if (repeated !== undefined) problems.push(`${repeated} is named twice; give each group one weight`);
  return [...problems, ...cohortProblems(route)];
}

function cohortProblems({ cohort, backends }: RouteShape): readonly string[] {
  if (cohort === undefined) return [];
  const many = backends.length > 2 ? [`a cohort is for at most two backends; there are ${backends.length}`] : [];
  return [...problemsOfCohort(cohort), ...many];
}
