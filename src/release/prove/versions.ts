import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import { readGit } from '../artifact/git.ts';
import { readArtifact } from '../artifact/store.ts';
import type { Definition } from '../core/definition.ts';
import type { CommandContext } from '../ports.ts';
import { versionOfSource } from '../source-version.ts';
import { takeSource } from '../steps/build.ts';
import { outcomeOf, runUserCommand } from '../steps/command.ts';
import type { StepDeps } from '../steps/deps.ts';
import type { OldVersion, ProveRequest, ReadyVersion } from './ports.ts';

/** What getting a version ready takes. */
export interface VersionTools {
  readonly deps: Pick<StepDeps, 'home' | 'environmentFor'>;
  readonly request: ProveRequest;
  readonly context: (version: Pick<ReadyVersion, 'version' | 'definition'>) => CommandContext;
}

/** The old version: its artifact as it was released, or its commit, built. @throws SlipwayError `not_found` when the artifact is gone */
export async function oldVersion(tools: VersionTools): Promise<ReadyVersion> {
  const { old } = tools.request;
  if (old.kind === 'released') return released(tools, old);
  const folder = join(tools.request.room, 'old');
  await checkOutInto(tools, old.sha, folder);
  const definition = await old.readDefinition(folder);
  return built(tools, { folder, definition, commit: old.sha, told: old.told });
}

async function released(
  { deps }: VersionTools,
  { released: from, told }: Extract<OldVersion, { kind: 'released' }>,
): Promise<ReadyVersion> {
  const folder = join(deps.home, from.artifact);
  if ((await stat(folder).catch(() => null)) === null)
    throw new SlipwayError('not_found', `The artifact of ${from.version} is not there any more (${folder})`, {
      hint: 'Name the commit it was made of: --from REF.',
    });
  const manifest = await readArtifact(folder);
  return { version: from.version, commit: manifest?.gitSha ?? null, told, folder, definition: from.definition };
}

/** The commit here (without git, what lies in the workspace), built, or as it was built already. */
export async function newVersion(tools: VersionTools): Promise<{ readonly ready: ReadyVersion; readonly uncommitted: number }> {
  const { workspace, definition, built: ready, room } = tools.request;
  if (ready !== undefined) return { ready, uncommitted: 0 };
  const git = await readGit(workspace);
  const sha = git?.sha ?? null;
  const told = sha === null ? 'the workspace, which is not a git repository' : 'the commit here';
  const folder = join(room, 'new');
  await checkOutInto(tools, sha, folder);
  return { ready: await built(tools, { folder, definition, commit: sha, told }), uncommitted: git?.dirty.length ?? 0 };
}

async function checkOutInto({ request }: VersionTools, sha: string | null, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await takeSource(request.workspace, sha, folder);
}

type Source = Pick<ReadyVersion, 'folder' | 'commit' | 'told'> & { readonly definition: Definition };

async function built(tools: VersionTools, source: Source): Promise<ReadyVersion> {
  const { deps, request, context } = tools;
  const { definition, folder, commit } = source;
  const version = await versionOfSource({ version: null, workspace: folder }, commit === null ? null : { sha: commit });
  const stored = join(deps.home, 'artifacts', definition.service, version);
  // Built once, a version is taken as it is, by a release too.
  if (commit !== null && (await readArtifact(stored))?.gitSha === commit) return { ...source, version, folder: stored };
  if (definition.build === null) return { ...source, version };
  request.onProgress(`building ${version} (${source.told})`);
  const outcome = outcomeOf(
    definition.build,
    await runUserCommand(deps, context({ version, definition }), definition.build, { cwd: folder }),
  );
  if (outcome.verdict === 'pass') return { ...source, version };
  throw new SlipwayError('gate_blocked', `${version} cannot be built: ${outcome.reason}`, {
    hint: 'Correct `build` in slipway.yaml, or the source.',
  });
}
