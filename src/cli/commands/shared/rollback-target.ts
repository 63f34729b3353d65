import { SlipwayError } from '../../../kernel/index.ts';
import {
  foldEvents,
  isPastNoReturn,
  versionOf,
  type Plan,
  type PreviousVersion,
  type ReleaseStore,
  type ReleaseSummary,
  type StoredRelease,
} from '../../../release/index.ts';

export interface RollbackQuestion {
  readonly service: string;
  readonly environment: string;
  /** The finished release the user named; it must be the one that serves. */
  readonly finished: string | null;
  /** Null: the version before the serving one. */
  readonly version: string | null;
  /** Only what this node runs can be looked at, or started, from here. */
  readonly node: string;
  /** Do users get this version, all of it? */
  readonly serves: (version: PreviousVersion) => Promise<boolean>;
}

/** Releases looked back at. */
const RECENT = 500;

/**
 * What comes back, and what it replaces.
 * @throws SlipwayError `not_possible_now` when there is nothing to go back to, or data could only come back from a backup; `not_found` for a version never released here
 */
export async function chooseRollback(
  store: Pick<ReleaseStore, 'lastServing' | 'load' | 'list'>,
  question: RollbackQuestion,
): Promise<{ readonly to: PreviousVersion; readonly current: PreviousVersion }> {
  const { service, environment, finished } = question;
  const serving = await store.lastServing(service, environment);
  if (serving === null)
    throw new SlipwayError(
      'not_possible_now',
      `Nothing of ${service} was released to ${environment} yet, so there is nothing to go back from`,
    );
  const current = versionOf(serving);
  if (finished !== null && finished !== serving.summary.release && finished !== current.release) {
    throw new SlipwayError(
      'not_possible_now',
      `Release ${finished} is not what serves: that is ${current.version} of release ${serving.summary.release}`,
      { hint: 'Leave the release out to go back from what serves, and choose the version with --to.' },
    );
  }
  if (finished === null && question.version === null) await refuseSecondStep(store, serving, current);
  const recent = await store.list({ service, environment, limit: RECENT });
  const released = recent.filter((one) => one.status === 'released');
  const to = question.version === null ? await versionBefore(store, current) : await versionNamed(store, released, question.version);
  // What should serve and does not (its machine was lost, its route is held) is put back like any other version.
  if (to.version === current.version && (planOf(serving).node !== question.node || (await question.serves(current))))
    throw new SlipwayError('not_possible_now', `${service} ${to.version} is what serves in ${environment} already`);
  await refuseLostData(store, recent, to);
  return { to, current };
}

/** Asked of the release that built what serves, so that going back twice goes back two versions and not to and fro. */
async function versionBefore(store: Pick<ReleaseStore, 'load'>, current: PreviousVersion): Promise<PreviousVersion> {
  const { previous } = planOf(await store.load(current.release));
  if (previous === null)
    throw new SlipwayError('not_possible_now', `${current.version} was the first release here: there is no version to go back to`);
  return previous;
}

/** Whoever repeats the command may think that it is about the version that was just taken back. */
async function refuseSecondStep(store: Pick<ReleaseStore, 'load'>, serving: StoredRelease, current: PreviousVersion): Promise<void> {
  if (serving.summary.kind !== 'rollback') return;
  const { version } = await versionBefore(store, current);
  throw new SlipwayError(
    'not_possible_now',
    `${current.version} was put back by rollback ${serving.summary.release} already; another one would go further back, to ${version}`,
    { hint: `Where that is meant: slipway rollback --to ${version}` },
  );
}

async function versionNamed(
  store: Pick<ReleaseStore, 'load'>,
  released: readonly ReleaseSummary[],
  version: string,
): Promise<PreviousVersion> {
  const found = released.find((one) => one.version === version);
  if (found === undefined) {
    const versions = [...new Set(released.map((one) => one.version))].join(', ');
    throw new SlipwayError('not_found', `Version ${version} was never released here with success`, {
      hint: versions === '' ? 'Run `slipway list`.' : `Versions that were: ${versions}`,
    });
  }
  return versionOf(await store.load(found.release));
}

/** Users have written since those releases, and the backup from before them would take that away. */
async function refuseLostData(store: Pick<ReleaseStore, 'load'>, recent: readonly ReleaseSummary[], to: PreviousVersion): Promise<void> {
  // Release ids sort by time.
  for (const one of recent.filter(({ release, kind }) => kind === 'release' && release > to.release)) {
    if (!MAY_HAVE_SERVED.has(one.status) || !isPastNoReturn(foldEvents((await store.load(one.release)).events))) continue;
    throw new SlipwayError(
      'not_possible_now',
      `${one.version} (release ${one.release}) carried a migration that only a restored backup takes back, and users have written since: going back to ${to.version} would lose that`,
      { hint: 'Repair forward: commit the repair under a new version, and `slipway release` it.' },
    );
  }
}

const MAY_HAVE_SERVED: ReadonlySet<ReleaseSummary['status']> = new Set(['released', 'accepted']);

function planOf({ events }: StoredRelease): Plan {
  return foldEvents(events).plan;
}
