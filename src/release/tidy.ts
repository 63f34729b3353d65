import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SlipwayError } from '../kernel/index.ts';
import { chooseMethod, discardBackup, discardFailed, readManifest, type BackupManifest, type DatabaseAccess } from '../database/index.ts';
import { backupFolder, sourceFolder } from './artifact/folders.ts';
import { removeUnfinished } from './artifact/store.ts';
import { planningBackupTools } from './backup-tools.ts';
import type { Plan } from './core/plan.ts';
import { whatToTidy } from './core/retention.ts';
import { foldEvents } from './core/state.ts';
import type { ReleaseStore, StoredRelease } from './ports.ts';
import type { StepDeps } from './steps/deps.ts';
import { text } from './steps/input.ts';

/** How many earlier releases are looked at: more than anybody makes while things are kept. */
const LOOK_BACK = 1_000;

/**
 * Removes what a finished release no longer needs: its checked-out source, and what the backups and restores of earlier ones left,
 * as `core/retention.ts` decides. Logs, packs and artifacts stay. Idempotent.
 */
export async function tidyRelease(deps: StepDeps, store: Pick<ReleaseStore, 'list'>, stored: StoredRelease): Promise<void> {
  await tidySource(deps, stored);
  const { plan } = foldEvents(stored.events);
  const access = await deps.databaseFor(plan.workspace, plan.definition);
  if (access === null) return;
  const { service, environment } = plan;
  const listed = await store.list({ service, environment, limit: LOOK_BACK });
  const earlier = listed.flatMap(({ release, finishedAt }) => (finishedAt === null ? [] : [{ release, finishedAt }]));
  const manifests = new Map<string, BackupManifest>();
  for (const { release } of earlier) {
    const manifest = await manifestOf(deps, release);
    if (manifest !== null) manifests.set(release, manifest);
  }
  const needed = new Set([plan.release, ...(plan.previous === null ? [] : [plan.previous.release])]);
  const left = earlier.map((one) => ({ ...one, backup: manifests.get(one.release)?.method ?? null }));
  const { backups, failed } = whatToTidy(left, needed, deps.effects.clock.now());
  const tidying: Tidying = { access, plan, fence: fenceOf(stored) };
  for (const release of backups) {
    const manifest = manifests.get(release);
    if (manifest !== undefined) await discard(deps, tidying, manifest, release);
  }
  const { clock } = deps.effects;
  if (failed.length > 0)
    await discardFailed({ access, keys: failed, fence: tidying.fence, directory: backupFolder(deps.home, plan.release), clock });
}

/** The part of {@link tidyRelease} that no later release does, should this one be cut off. */
export async function tidySource(deps: StepDeps, { events }: StoredRelease): Promise<void> {
  const { plan } = foldEvents(events);
  await removeSources(deps, plan.release);
  const built = plan.steps.find(({ kind, skip }) => kind === 'build' && skip === null);
  if (built !== undefined) await removeUnfinished(join(deps.home, text(built.input, 'folder')), plan.release);
}

interface Tidying {
  readonly access: DatabaseAccess;
  readonly plan: Plan;
  readonly fence: number;
}

async function discard(deps: StepDeps, { access, plan, fence }: Tidying, manifest: BackupManifest, release: string): Promise<void> {
  const method = await chooseMethod(access, manifest.method, await planningBackupTools(deps, plan.workspace, plan.definition));
  await discardBackup({
    access,
    method,
    manifest,
    key: release,
    directory: backupFolder(deps.home, release),
    fence,
    effects: deps.effects,
  });
}

/** The last claim that drove this release; a later one than those that made the backups of earlier releases. */
function fenceOf({ events }: StoredRelease): number {
  return events.reduce((fence, event) => (event.type === 'driver.claimed' ? event.data.fence : fence), 0);
}

/** Null for most releases: they changed no data, or their backup was tidied. */
async function manifestOf({ home }: StepDeps, release: string): Promise<BackupManifest | null> {
  return readManifest(backupFolder(home, release)).catch((error: unknown) => {
    // One that cannot be read is for a person to look at.
    if (error instanceof SlipwayError && (error.code === 'not_found' || error.code === 'state_corrupt')) return null;
    throw error;
  });
}

/** Every worker that built checked out into a folder of its own. */
async function removeSources({ home }: StepDeps, release: string): Promise<void> {
  const source = sourceFolder(home, release);
  const folder = dirname(source);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) if (join(folder, name).startsWith(source)) await rm(join(folder, name), { recursive: true, force: true });
}
