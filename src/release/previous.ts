import type { PreviousVersion } from './core/plan.ts';
import type { ReleaseStore, StoredRelease } from './ports.ts';
import { text } from './steps/input.ts';

/** The version that serves now: the newest release that ended `released`. Null before the first. */
export async function lastVersion(
  deps: { readonly store: Pick<ReleaseStore, 'lastReleased'> },
  service: string,
  environment: string,
): Promise<PreviousVersion | null> {
  const stored = await deps.store.lastReleased(service, environment);
  return stored === null ? null : versionOf(stored);
}

/** How a finished release's version can be put back. */
export function versionOf(stored: StoredRelease): PreviousVersion {
  const [first] = stored.events;
  if (first?.type !== 'release.requested') throw new Error('A ledger starts with release.requested');
  const { plan } = first.data;
  const start = plan.steps.find((step) => step.id === 'deploy.start');
  if (start === undefined) throw new Error(`The plan of release ${plan.release} has no step deploy.start`);
  const built = stored.events.find((event) => event.type === 'step.finished' && event.data.step === 'build.artifact');
  const digest = built?.type === 'step.finished' ? built.data.facts['digest'] : undefined;
  return {
    version: plan.version,
    release: text(start.input, 'release'),
    group: text(start.input, 'id'),
    artifact: text(start.input, 'directory'),
    artifactDigest: typeof digest === 'string' ? digest : '',
    definition: plan.definition,
  };
}
