import { SlipwayError, toIso } from '../../kernel/index.ts';
import { versionOf, type ReleaseSummary, type StoredRelease } from '../../release/index.ts';
import { agentStatus } from '../../server/index.ts';
import type { App } from '../compose.ts';
import { renderStatus, setLine, type PlaceStatus, type RunningStatus, type SetStatus } from '../output/listing.ts';
import { viewOf } from '../output/release-view.ts';
import { rowOf } from './list.ts';
import { trafficOf } from './shared/serving.ts';
import { withStore } from './shared/app.ts';
import { setServing } from './shared/rollback-set.ts';
import { refuseUnknownPlace } from './shared/unknown-place.ts';
import { setHere } from './shared/which.ts';
import { text, type Call, type Handler } from './spec.ts';

/** Enough to meet every service that is still in use. */
const RECENT = 500;

/** Shows what serves now, who holds the lock, what is in flight and what runs. */
export const run: Handler = async (call) =>
  withStore(call, async (app) => {
    const [environment, service] = [text(call, 'env'), text(call, 'service')];
    const recent = await app.opened.store.list({
      limit: RECENT,
      ...(environment === undefined ? {} : { environment }),
      ...(service === undefined ? {} : { service }),
    });
    if (recent.length === 0 && (environment ?? service) !== undefined) await refuseUnknownPlace(app.opened.store, { service, environment });
    const names = [...new Map(recent.map((one) => [`${one.service}/${one.environment}`, one])).values()];
    const agent = await agentStatus(app.places.home);
    const places = await Promise.all(
      names.map(async (place): Promise<PlaceStatus> => ({
        service: place.service,
        environment: place.environment,
        serving: servingIn(await app.opened.store.lastServing(place.service, place.environment)),
        lock: await app.opened.store.lockOf(place.service, place.environment),
        inFlight: await inFlightOf(app, recent, place),
        unsealed: recent.filter(
          (one) => one.unsealedBecause !== null && one.service === place.service && one.environment === place.environment,
        ),
        running: agent === null ? null : await runningOf(app, place.service, place.environment),
      })),
    );
    const { terminal } = call;
    const set = await setStatus(call, app);
    if (terminal.json) terminal.data({ agent, ...(set === null ? {} : { set }), places: places.map(documentOf) });
    else terminal.say([...(set === null ? [] : [setLine(set, terminal.style)]), renderStatus(places, terminal.style)].join('\n\n'));
    return 0;
  });

/** Whether the services of the set declared here serve what was released as one; null where none is, or its files cannot be read. */
async function setStatus(call: Call, app: App): Promise<SetStatus | null> {
  const set = await setHere(call).catch((error: unknown) => {
    if (!(error instanceof SlipwayError)) throw error;
    // What runs is asked for when something is wrong, which may be the file.
    call.terminal.note(`note: ${error.message}`);
    return null;
  });
  if (set === null) return null;
  const { whole, apart } = await setServing(app.opened.store, set.places);
  const services = set.places.map(({ service }) => service);
  return { name: set.set, services, whole: whole !== null, reason: apart ?? `${services.join(', ')} serve what was released as one` };
}

type Place = Pick<ReleaseSummary, 'service' | 'environment'>;

async function inFlightOf({ opened, effects }: App, recent: readonly ReleaseSummary[], place: Place): Promise<PlaceStatus['inFlight']> {
  const unfinished = recent.filter(
    (one) => one.finishedAt === null && one.service === place.service && one.environment === place.environment,
  );
  return Promise.all(
    unfinished.map(async ({ release }) => {
      const stored = await opened.store.load(release);
      return { summary: stored.summary, view: viewOf(stored, effects.clock.now()) };
    }),
  );
}

function servingIn(stored: StoredRelease | null): PlaceStatus['serving'] {
  if (stored === null) return null;
  const { version, release } = versionOf(stored);
  return { version, release, accepted: stored.summary.status === 'accepted' };
}

async function runningOf({ deps }: App, service: string, environment: string): Promise<RunningStatus> {
  const groups = await deps.target.list(service, environment);
  const id = `${service}/${environment}`;
  const route = await deps.router.inspect(id);
  return {
    groups: groups.map(({ spec, stopAt, instances }) => ({
      group: spec.id,
      version: spec.version,
      stopAt,
      instances: instances.map(({ process, index, phase, pid, port, restarts }) => ({ process, index, phase, pid, port, restarts })),
    })),
    route:
      route === null
        ? null
        : {
            address: `${route.spec.listen.host}:${route.spec.listen.port}`,
            mode: route.spec.mode,
            listening: route.listening,
            backends: route.spec.backends.map(({ version, group, weight }) => ({ version, group, weight })),
          },
    traffic: route === null ? [] : trafficOf(await deps.router.stats(id), route.spec.backends),
  };
}

function documentOf(place: PlaceStatus): Readonly<Record<string, unknown>> {
  return {
    ...place,
    lock: place.lock === null ? null : { ...place.lock, since: toIso(place.lock.since) },
    inFlight: place.inFlight.map(({ summary, view }) => ({
      ...rowOf(summary),
      users: view.users,
      step: view.at?.id ?? null,
      last: view.last,
      weight: view.weight,
      waiting: view.waiting,
      because: view.stuck?.reason ?? view.because,
    })),
    unsealed: place.unsealed.map(rowOf),
  };
}
