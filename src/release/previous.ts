import type { StoredRelease } from './ports.ts';
import type { ReleaseStore } from './ports.ts';
import type { PreviousVersion } from './core/plan.ts';
import { artifactFolder } from './core/compile/group.ts';

/** The version that serves now: the newest release that ended `released`. Null before the first. */
export async function lastVersion(deps: { readonly store: Pick<ReleaseStore, 'lastReleased'> }, service: string, environment: string): Promise<PreviousVersion | null> {
  const stored = await deps.store.lastReleased(service, environment);
  return stored === null ? null : versionOf(stored);
}

/** How a finished release's version can be put back. */
export function versionOf(stored: StoredRelease): PreviousVersion {
  const [first] = stored.events;
  if (first?.type !== 'release.requested') throw new Error('A ledger starts with release.requested');
  const { plan } = first.data;
  const start = plan.steps.find((step) => step.id === 'deploy.start');
  const built = stored.events.find((event) => event.type === 'step.finished' && event.data.step === 'build.artifact');
  const digest = built?.type === 'step.finished' ? built.data.facts['digest'] : undefined;
  return {
    version: plan.version,
    release: String(start?.input['release'] ?? plan.release),
    group: String(start?.input['id']),
    artifact: String(start?.input['directory'] ?? artifactFolder(plan.service, plan.version)),
    artifactDigest: typeof digest === 'string' ? digest : '',
    definition: plan.definition,
  };
}
