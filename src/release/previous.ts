import { foldEvents } from './core/state.ts';
import type { PreviousVersion } from './core/plan.ts';
import type { ReleaseStore, StoredRelease } from './ports.ts';
import { text } from './steps/input.ts';

/** The version that serves now, as the newest release left it. Null before the first. */
export async function lastVersion(
  deps: { readonly store: Pick<ReleaseStore, 'lastServing'> },
  service: string,
  environment: string,
): Promise<PreviousVersion | null> {
  const stored = await deps.store.lastServing(service, environment);
  return stored === null ? null : versionOf(stored);
}

/** How a finished release's version can be put back. */
export function versionOf({ events }: StoredRelease): PreviousVersion {
  const { plan, steps } = foldEvents(events);
  const start = plan.steps.find((step) => step.id === 'deploy.start');
  if (start === undefined) throw new Error(`The plan of release ${plan.release} has no step deploy.start`);
  const digest = steps['build.artifact']?.facts['digest'];
  return {
    version: plan.version,
    release: text(start.input, 'release'),
    group: text(start.input, 'id'),
    artifact: text(start.input, 'directory'),
    artifactDigest: typeof digest === 'string' ? digest : '',
    definition: plan.definition,
  };
}

/** Is it the same version in the same place? One put back has its old release's name in another slot. */
export function isSameVersion(one: PreviousVersion | null, other: PreviousVersion | null): boolean {
  return one?.release === other?.release && one?.group === other?.group;
}
