import { SlipwayError } from '../../../kernel/index.ts';
import {
  foldEvents,
  servingTogether,
  versionOf,
  type MemberServing,
  type Plan,
  type ReleaseStore,
  type SetServing,
} from '../../../release/index.ts';
import type { App } from '../../compose.ts';
import { text, type Call } from '../spec.ts';
import { planRollback, type Wanted } from './plan-rollback.ts';
import { setOf } from './prepare-set.ts';
import type { ConfiguredPlace } from './which.ts';

/** How the services of a set stand to each other, by the ledgers. */
export async function setServing(
  store: Pick<ReleaseStore, 'lastServing' | 'load'>,
  places: readonly ConfiguredPlace[],
): Promise<SetServing> {
  const serving = await Promise.all(places.map((place) => memberServing(store, place)));
  return servingTogether(
    places.map(({ service }) => service),
    serving,
  );
}

async function memberServing(
  store: Pick<ReleaseStore, 'lastServing' | 'load'>,
  { service, environment }: ConfiguredPlace,
): Promise<MemberServing | null> {
  const stored = await store.lastServing(service, environment);
  if (stored === null) return null;
  const { version, release } = versionOf(stored);
  return { service, version, release, set: foldEvents((await store.load(release)).events).plan.set ?? null };
}

interface SetWanted extends Pick<Wanted, 'skips' | 'driver'> {
  /** Its name. */
  readonly set: string;
  readonly places: readonly ConfiguredPlace[];
}

/**
 * Plans the way back of every service of a released set, in the reverse order. Nothing is submitted unless all of them can go back.
 * @throws SlipwayError `not_possible_now` for services that were not released as one, where no version is named
 */
export async function planSetRollback(call: Call, app: App, { set: name, places, ...wanted }: SetWanted): Promise<readonly Plan[]> {
  const { whole, apart } = await setServing(app.opened.store, places);
  if (whole === null && text(call, 'to') === undefined)
    throw new SlipwayError('not_possible_now', `What serves is ${apart ?? ''}`, {
      hint: 'Name a version that all of them had with --to, or take one service back with -C FOLDER.',
    });
  const back = places.toReversed();
  const set = setOf(app, { name, order: whole?.order ?? 'in-turn', services: back.map(({ service }) => service) });
  const plans: Plan[] = [];
  for (const [index, place] of back.entries())
    plans.push(
      await planRollback(call, app, {
        ...wanted,
        place,
        finished: null,
        member: { set, release: set.members[index]?.release ?? '', workspace: place.folder },
      }),
    );
  return plans;
}
