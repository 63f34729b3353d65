import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../../../kernel/index.ts';
import { CONFIG_FILE } from '../../../config/index.ts';
import type { ReleaseStore, ReleaseSummary } from '../../../release/index.ts';
import { text, type Call } from '../spec.ts';
import { configOf } from './app.ts';

/** Which service and environment a command without a release id means. */
export interface PlaceFilter {
  readonly service?: string;
  readonly environment?: string;
}

/** Those of the workspace's configuration; only the environment asked for where there is none. */
async function placeOf(call: Call): Promise<PlaceFilter> {
  const environment = text(call, 'env');
  if (call.config === null && !existsSync(join(call.directory, CONFIG_FILE))) return environment === undefined ? {} : { environment };
  return configuredPlace(call);
}

/**
 * Service and environment of the configuration.
 * @throws SlipwayError as `loadConfig`, saying that a release that is named needs none: somebody may have broken the file at night
 */
export async function configuredPlace(call: Call): Promise<Required<PlaceFilter>> {
  try {
    const { definition } = await configOf(call);
    return { service: definition.service, environment: definition.environment };
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

/** The release named, else the newest of this service and environment; first the one at work, then one that waits for it. */
export async function anyRelease(call: Call, store: ReleaseStore): Promise<string> {
  const [named] = call.args;
  if (named !== undefined) return store.resolve(named);
  const recent = await store.list({ ...(await placeOf(call)), limit: RECENT });
  const inFlight = recent.filter(({ finishedAt }) => finishedAt === null);
  const chosen = inFlight.find(({ status }) => status !== 'queued') ?? inFlight[0] ?? recent[0];
  if (chosen === undefined)
    throw new SlipwayError('not_found', 'There is no release here yet', {
      hint: 'Start one with `slipway release`, or name its environment with --env.',
    });
  return chosen.release;
}

/** The newest release of this service and environment whose evidence is sealed. */
export async function lastSealed(call: Call, store: ReleaseStore): Promise<string> {
  const recent = await store.list({ ...(await placeOf(call)), limit: RECENT });
  const found = recent.find(({ sealed }) => sealed);
  if (found !== undefined) return found.release;
  throw new SlipwayError('not_found', 'No release here has sealed evidence yet', {
    hint: 'Give the folder of a pack, or the id of a release of another service or environment (`slipway list` shows them).',
  });
}

/** The release named, else the only one in flight here; null when none is. Two are never guessed between. */
export async function releaseInFlight(call: Call, store: ReleaseStore): Promise<string | null> {
  const [named] = call.args;
  if (named !== undefined) return store.resolve(named);
  const recent = await store.list({ ...(await placeOf(call)), limit: RECENT });
  return onlyOne(recent.filter(({ finishedAt }) => finishedAt === null));
}

/**
 * The release named, else the one at work here: where others wait for it, the one that holds the service and environment. Only for
 * what can be taken back; whoever ends a release says which.
 */
export async function releaseAtWork(call: Call, store: ReleaseStore): Promise<string | null> {
  const [named] = call.args;
  if (named !== undefined) return store.resolve(named);
  const recent = await store.list({ ...(await placeOf(call)), limit: RECENT });
  const inFlight = recent.filter(({ finishedAt }) => finishedAt === null);
  const places = new Map(inFlight.map((one) => [`${one.service}/${one.environment}`, one]));
  const owners = await Promise.all([...places.values()].map((one) => store.lockOf(one.service, one.environment)));
  const holding = inFlight.filter(({ release }) => owners.some((owner) => owner?.release === release));
  return onlyOne(holding.length === places.size ? holding : inFlight);
}

/** @throws SlipwayError `ambiguous`, naming them */
function onlyOne(inFlight: readonly ReleaseSummary[]): string | null {
  if (inFlight.length > 1) {
    const named = inFlight.map((one) => `${one.release} (${one.version} to ${one.environment}, ${one.status})`).join(', ');
    throw new SlipwayError('ambiguous', `Several releases are in flight: ${named}`, { hint: 'Name the one you mean.' });
  }
  return inFlight[0]?.release ?? null;
}
