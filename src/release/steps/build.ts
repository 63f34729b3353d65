import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removeFolder, SlipwayError, toIso, type JsonObject } from '../../kernel/index.ts';
import { sourceFolder } from '../artifact/folders.ts';
import { checkOut, INDEX } from '../artifact/git.ts';
import { changedFiles, readArtifact, storeArtifact, type ArtifactManifest } from '../artifact/store.ts';
import type { CommandDefinition } from '../core/definition.ts';
import type { StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import { outcomeOf, runUserCommand } from './command.ts';
import type { StepDeps } from './deps.ts';
import { as, text } from './input.ts';

/** Not part of a source without git. */
const OWN_FOLDERS: ReadonlySet<string> = new Set(['.slipway', '.git']);

/**
 * Checks the commit out, runs the build there and stores the result under its version. A version is immutable:
 * built again from the same commit it is taken as it is, from another commit it is refused.
 */
export function buildStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const { plan, step, note } = context;
    const folder = join(deps.home, text(step.input, 'folder'));
    const source = sourceFolder(deps.home, plan.release, `source-${context.fence}-${context.attempt}`);
    await removeEarlier(source);
    const stored = await readArtifact(folder);
    if (stored !== null) return reuse(context, stored, folder, source);
    await takeSource(plan.workspace, plan.gitSha, source);
    note(plan.gitSha === null ? `copied the workspace` : `checked out ${plan.gitSha}`);
    const built = await runBuild(deps, context, source);
    if (built.verdict !== 'pass') return built;
    const { manifest, ours } = await storeArtifact(source, folder, {
      service: plan.service,
      version: plan.version,
      gitSha: plan.gitSha,
      release: plan.release,
      builtAt: toIso(context.effects.clock.now()),
      toolchain: { node: process.version, platform: `${process.platform}-${process.arch}` },
    });
    context.effects.faults.at('build.stored');
    if (!ours) return reuse(context, manifest, folder, source);
    return {
      verdict: 'pass',
      reason: `${plan.service} ${plan.version} is built: ${manifest.files.length} files`,
      facts: factsOf(manifest, source),
    };
  };
}

/** What earlier tries of this build checked out; their commands have ended. */
async function removeEarlier(source: string): Promise<void> {
  const folder = dirname(source);
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder))
    if (/^source(-|$)/.test(name) && name !== basename(source)) await removeEither(join(folder, name));
}

/** A folder that was checked out, or the index file that git left beside it when it was killed. */
async function removeEither(path: string): Promise<void> {
  if (path.endsWith(INDEX)) await rm(path, { force: true });
  else await removeFolder(path);
}

async function runBuild(deps: StepDeps, context: StepContext, source: string): Promise<StepOutcome> {
  const command = as<CommandDefinition | null>(context.step.input['command']);
  if (command === null) return { verdict: 'pass', reason: 'no build command' };
  return outcomeOf(command, await runUserCommand(deps, context, command, { cwd: source }));
}

async function reuse({ plan }: StepContext, stored: ArtifactManifest, folder: string, source: string): Promise<StepOutcome> {
  // Without git only this release itself, taken over by another worker, knows that its source is the same.
  if (stored.gitSha !== plan.gitSha || (plan.gitSha === null && stored.release !== plan.release)) {
    const error = new SlipwayError(
      'artifact_mismatch',
      `${plan.service} ${plan.version} was already built from ${stored.gitSha ?? 'a folder without git'} by release ${stored.release}`,
    );
    return { verdict: 'fail', reason: `${error.message}. ${error.hint}` };
  }
  const changed = await changedFiles(folder, stored);
  if (changed.length > 0)
    return { verdict: 'fail', reason: `the stored artifact was changed since it was built: ${changed.slice(0, 3).join(', ')}` };
  await rm(source, { recursive: true, force: true });
  await cp(folder, source, { recursive: true, verbatimSymlinks: true });
  return {
    verdict: 'pass',
    reason: `${plan.service} ${plan.version} was built from this commit by release ${stored.release}; the same artifact is used`,
    facts: factsOf(stored, source),
  };
}

/** Fills an empty folder with the source: of the commit, or without git with what lies in the workspace. */
export async function takeSource(workspace: string, gitSha: string | null, source: string): Promise<void> {
  if (gitSha !== null) return checkOut(workspace, gitSha, source);
  await rm(source, { recursive: true, force: true });
  await mkdir(source, { recursive: true });
  // Entry by entry: the state directory usually lies inside the workspace, and a folder cannot be copied into itself.
  for (const name of await readdir(workspace)) {
    if (!OWN_FOLDERS.has(name)) await cp(join(workspace, name), join(source, name), { recursive: true, verbatimSymlinks: true });
  }
}

function factsOf(manifest: ArtifactManifest, source: string): JsonObject {
  const { digest, files, release, toolchain } = manifest;
  return { digest, files: files.length, builtBy: release, toolchain: { ...toolchain }, source: basename(source) };
}
