import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../../../kernel/index.ts';
import { CONFIG_FILE, loadSet } from '../../../config/index.ts';
import type { ReleaseStore, ReleaseSummary } from '../../../release/index.ts';
import { text, type Call } from '../spec.ts';
import { configOf } from './app.ts';

/** Which service and environment a command without a release id means. */
export interface PlaceFilter {
  readonly service?: string;
  readonly environment?: string;
}

/** A service and environment, and the folder that declares it. */
export interface ConfiguredPlace extends Required<PlaceFilter> {
  readonly folder: string;
}

/** What a command is about: one release, or one of each service where slipway.yaml declares a set. */
export interface Chosen {
  /** Name of the set; null for one service, and for a release that was named. */
  readonly set: string | null;
  readonly releases: readonly string[];
}

/** Those of the workspace's configuration; only the environment asked for where there is none. */
async function placesOf(call: Call): Promise<{ readonly set: string | null; readonly places: readonly PlaceFilter[] }> {
  const set = await setHere(call);
  if (set !== null) return set;
  const environment = text(call, 'env');
  const without = call.config === null && !existsSync(join(call.directory, CONFIG_FILE));
  const place = without ? (environment === undefined ? {} : { environment }) : await configuredPlace(call);
  return { set: null, places: [place] };
}

/** The services of the set that is declared here, in the declared order; null where one service is, or a file was named. */
export async function setHere(call: Call): Promise<{ readonly set: string; readonly places: readonly ConfiguredPlace[] } | null> {
  const set = call.config === null ? await loadSet(call.directory) : null;
  if (set === null) return null;
  const places = await Promise.all(set.folders.map((folder) => configuredPlace({ ...call, directory: folder })));
  return { set: set.name, places };
}

/**
 * Service and environment of the configuration.
 * @throws SlipwayError as `loadConfig`, saying that a release that is named needs none: somebody may have broken the file at night
 */
export async function configuredPlace(call: Call): Promise<ConfiguredPlace> {
  try {
    const { definition } = await configOf(call);
    return { service: definition.service, environment: definition.environment, folder: call.directory };
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    throw new SlipwayError(error.code, error.message, {
      cause: error,
      hint: `${error.hint} Or name the release, which needs no configuration: \`slipway list\` shows the ids.`,
    });
  }
}

/** Releases looked at when one is chosen without an id. */
const RECENT = 200;

/** The release named, else the newest of each service here; first the one at work, then one that waits for it. */
export function anyReleases(call: Call, store: ReleaseStore): Promise<Chosen> {
  return choose(call, store, async (recent) => {
    const inFlight = recent.filter(({ finishedAt }) => finishedAt === null);
    return (inFlight.find(({ status }) => status !== 'queued') ?? inFlight[0] ?? recent[0])?.release ?? null;
  });
}

/** The same, for a command that is about one service. */
export async function anyRelease(call: Call, store: ReleaseStore): Promise<string> {
  const { set, releases } = await anyReleases(call, store);
  if (releases.length > 1) refuseSet(set);
  return releases[0] ?? refuseNone();
}

/** @throws SlipwayError `not_found` */
export function refuseNone(): never {
  throw new SlipwayError('not_found', 'There is no release here yet', {
    hint: 'Start one with `slipway release`, or name its environment with --env.',
  });
}

function refuseSet(set: string | null): never {
  throw new SlipwayError('usage', `${CONFIG_FILE} here declares the set ${set ?? ''}, and this is about one service`, {
    hint: 'Use -C with the folder of one of its services, or name a release: `slipway list` shows the ids.',
  });
}

/** The newest release of this service and environment whose evidence is sealed. */
export async function lastSealed(call: Call, store: ReleaseStore): Promise<string> {
  const { set, releases } = await choose(call, store, async (recent) => recent.find(({ sealed }) => sealed)?.release ?? null);
  if (releases.length > 1) refuseSet(set);
  const [found] = releases;
  if (found !== undefined) return found;
  throw new SlipwayError('not_found', 'No release here has sealed evidence yet', {
    hint: 'Give the folder of a pack, or the id of a release of another service or environment (`slipway list` shows them).',
  });
}

/** The release named, else the only one in flight of each service here. Two of one are never guessed between. */
export function releasesInFlight(call: Call, store: ReleaseStore): Promise<Chosen> {
  return choose(call, store, async (recent) => onlyOne(recent.filter(({ finishedAt }) => finishedAt === null)));
}

/**
 * The release named, else the one at work of each service here: where others wait for it, the one that holds the service and
 * environment. Only for what can be taken back; whoever ends a release says which.
 */
export function releasesAtWork(call: Call, store: ReleaseStore): Promise<Chosen> {
  return choose(call, store, async (recent) => {
    const inFlight = recent.filter(({ finishedAt }) => finishedAt === null);
    const places = new Map(inFlight.map((one) => [`${one.service}/${one.environment}`, one]));
    const owners = await Promise.all([...places.values()].map((one) => store.lockOf(one.service, one.environment)));
    const holding = inFlight.filter(({ release }) => owners.some((owner) => owner?.release === release));
    return onlyOne(holding.length === places.size ? holding : inFlight);
  });
}

/** One of the recent releases of each place, or none. */
async function choose(
  call: Call,
  store: ReleaseStore,
  from: (recent: readonly ReleaseSummary[]) => Promise<string | null>,
): Promise<Chosen> {
  const [named] = call.args;
  if (named !== undefined) return { set: null, releases: [await store.resolve(named)] };
  const { set, places } = await placesOf(call);
  const found = await Promise.all(places.map(async (place) => from(await store.list({ ...place, limit: RECENT }))));
  return { set, releases: found.filter((one) => one !== null) };
}

/** @throws SlipwayError `ambiguous`, naming them */
function onlyOne(inFlight: readonly ReleaseSummary[]): string | null {
  if (inFlight.length > 1) {
    const named = inFlight.map((one) => `${one.release} (${one.version} to ${one.environment}, ${one.status})`).join(', ');
    throw new SlipwayError('ambiguous', `Several releases are in flight: ${named}`, { hint: 'Name the one you mean.' });
  }
  return inFlight[0]?.release ?? null;
}
