import { rm } from 'node:fs/promises';
import { chooseMethod, discardFailed, readManifest } from '../database/index.ts';
import { backupFolder, sourceFolder } from './artifact/folders.ts';
import { planningBackupTools } from './backup-tools.ts';
import { foldEvents } from './core/state.ts';
import type { ReleaseStore, StoredRelease } from './ports.ts';
import type { StepDeps } from './steps/deps.ts';

/** How many earlier releases are looked at; older ones were tidied by these. */
const LOOK_BACK = 20;

/**
 * Removes what a finished release no longer needs: its checked-out source, and the database copies of releases before the
 * one that could still be gone back to. Logs, packs, artifacts and dump files stay. Idempotent.
 */
export async function tidyRelease(deps: StepDeps, store: Pick<ReleaseStore, 'list'>, stored: StoredRelease): Promise<void> {
  const { plan } = foldEvents(stored.events);
  await rm(sourceFolder(deps.home, plan.release), { recursive: true, force: true });
  const access = await deps.databaseFor(plan.workspace, plan.definition);
  if (access === null) return;
  const needed = new Set([plan.release, plan.previous?.release]);
  const tools = await planningBackupTools(deps, plan.workspace, plan.definition);
  for (const { release, finishedAt } of await store.list({ service: plan.service, environment: plan.environment, limit: LOOK_BACK })) {
    if (needed.has(release) || finishedAt === null) continue;
    const folder = backupFolder(deps.home, release);
    const manifest = await readManifest(folder);
    if (manifest?.method !== 'template') continue;
    await (await chooseMethod(access, manifest.method, tools)).discard(access, manifest);
    await discardFailed(access, release);
    await rm(folder, { recursive: true, force: true });
  }
}
