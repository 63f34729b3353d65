import { toIso } from '../../kernel/index.ts';
import { versionOf, type StoredRelease } from '../../release/index.ts';
import { agentStatus } from '../../server/index.ts';
import type { App } from '../compose.ts';
import { renderStatus, type PlaceStatus, type RunningStatus } from '../output/listing.ts';
import { rowOf } from './list.ts';
import { withApp } from './shared/app.ts';
import { text, type Handler } from './spec.ts';

/** Enough to meet every service that is still in use. */
const RECENT = 500;

/** Shows what serves now, who holds the lock, what is in flight and what runs. */
export const run: Handler = async (call) =>
  withApp(call, async (app) => {
    const [environment, service] = [text(call, 'env'), text(call, 'service')];
    const recent = await app.opened.store.list({
      limit: RECENT,
      ...(environment === undefined ? {} : { environment }),
      ...(service === undefined ? {} : { service }),
    });
    const names = [...new Map(recent.map((one) => [`${one.service}/${one.environment}`, one])).values()];
    const agent = await agentStatus(app.places.home);
    const places = await Promise.all(
      names.map(async (place): Promise<PlaceStatus> => ({
        service: place.service,
        environment: place.environment,
        serving: servingIn(await app.opened.store.lastServing(place.service, place.environment)),
        lock: await app.opened.store.lockOf(place.service, place.environment),
        inFlight: recent.filter((one) => one.finishedAt === null && one.service === place.service && one.environment === place.environment),
        unsealed: recent.filter(
          (one) => one.unsealedBecause !== null && one.service === place.service && one.environment === place.environment,
        ),
        running: agent === null ? null : await runningOf(app, place.service, place.environment),
      })),
    );
    const { terminal } = call;
    if (terminal.json) terminal.data({ agent, places: places.map(documentOf) });
    else terminal.say(renderStatus(places, terminal.style));
    return 0;
  });

function servingIn(stored: StoredRelease | null): PlaceStatus['serving'] {
  if (stored === null) return null;
  const { version, release } = versionOf(stored);
  return { version, release, accepted: stored.summary.status === 'accepted' };
}

async function runningOf({ deps }: App, service: string, environment: string): Promise<RunningStatus> {
  const groups = await deps.target.list(service, environment);
  const route = await deps.router.inspect(`${service}/${environment}`);
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
  };
}

function documentOf(place: PlaceStatus): Readonly<Record<string, unknown>> {
  return {
    ...place,
    lock: place.lock === null ? null : { ...place.lock, since: toIso(place.lock.since) },
    inFlight: place.inFlight.map(rowOf),
    unsealed: place.unsealed.map(rowOf),
  };
}
