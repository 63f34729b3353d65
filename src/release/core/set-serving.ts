import { othersOf, type ReleaseSet } from './set.ts';

/** What a service of a set serves, and the release that built it. */
export interface MemberServing {
  readonly service: string;
  readonly version: string;
  readonly release: string;
  /** The set that release was part of; null for one of its own. */
  readonly set: ReleaseSet | null;
}

/** How the services of a set stand to each other. */
export interface SetServing {
  /** The set release that all of them serve; null when they do not serve one. */
  readonly whole: ReleaseSet | null;
  /** What was released without the others, in words; null for a whole set. */
  readonly apart: string | null;
  /** Services on an older version than the set release that others serve: none of them should be. Empty for a whole set. */
  readonly behind: readonly string[];
}

/** Whether the services of a set serve what was released as one; `null` for a service of which nothing was released yet. */
export function servingTogether(services: readonly string[], serving: readonly (MemberServing | null)[]): SetServing {
  const known = serving.filter((one) => one !== null);
  const set = known[0]?.set ?? null;
  const whole = set !== null && known.length === services.length && known.every((one) => one.set?.id === set.id);
  if (whole && set.members.length === services.length) return { whole: set, apart: null, behind: [] };
  if (known.length === 0) return { whole: null, apart: 'nothing was released yet', behind: [] };
  const told = services.map((service) => {
    const one = known.find((other) => other.service === service);
    if (one === undefined) return `nothing of ${service}`;
    return `${service} ${one.version} (${one.set === null ? 'released by itself' : `of set release ${one.set.id}`})`;
  });
  return { whole: null, apart: `not what was released as one: ${told.join(', ')}`, behind: behindOthers(known) };
}

/** A later release of its own is a person's choice; an older version than one's companions serve is not. */
function behindOthers(known: readonly MemberServing[]): readonly string[] {
  const expected = known.flatMap(({ set, release }) => (set === null ? [] : othersOf(set, release)));
  return known
    .filter(({ service, release }) => expected.some((one) => one.service === service && release < one.release))
    .map(({ service }) => service);
}
