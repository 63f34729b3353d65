import { isJsonObject } from '../kernel/index.ts';
import { foldEvents } from './core/state.ts';
import type { Definition } from './core/definition.ts';
import type { PreviousVersion, Step } from './core/plan.ts';
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
  const databaseUrl = urlOf(start, plan.definition);
  const digest = steps['build.artifact']?.facts['digest'];
  return {
    version: plan.version,
    release: text(start.input, 'release'),
    group: text(start.input, 'id'),
    artifact: text(start.input, 'directory'),
    artifactDigest: typeof digest === 'string' ? digest : '',
    definition: plan.definition,
    ...(databaseUrl === null ? {} : { databaseUrl }),
  };
}

/** With another URL than it was started with, a version asked for again would be another one, and be restarted under its users. */
function urlOf({ input }: Step, { database }: Definition): string | null {
  const processes = input['processes'];
  if (database === null || !Array.isArray(processes)) return null;
  const [first] = processes.filter(isJsonObject).map(({ env }) => (isJsonObject(env) ? env[database.env] : undefined));
  return typeof first === 'string' ? first : null;
}

/** Is it the same version in the same place? One put back has its old release's name in another slot. */
export function isSameVersion(one: PreviousVersion | null, other: PreviousVersion | null): boolean {
  return one?.release === other?.release && one?.group === other?.group;
}
