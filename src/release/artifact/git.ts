import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { messageOf, SlipwayError, type Check } from '../../kernel/index.ts';

const run = promisify(execFile);

/** What git says about a workspace; null when it is not in a repository (or git is missing). */
export interface GitFacts {
  readonly sha: string;
  readonly ref: string;
  /** Changed or untracked paths below the workspace. */
  readonly dirty: readonly string[];
}

/** What Slipway itself puts into a workspace: its state directory, and the packs `evidence export` writes where nobody says otherwise. */
const OWN = [':!.slipway', ':!slipway-evidence-*'];

/** Reads the state of a workspace's repository. What is Slipway's own never counts as a change. */
export async function readGit(workspace: string): Promise<GitFacts | null> {
  try {
    // As few processes as will do: starting one stops everything else in a large process for longer than git needs.
    const [facts, status] = await Promise.all([
      git(workspace, ['rev-parse', 'HEAD', '--abbrev-ref', 'HEAD']),
      git(workspace, ['status', '--porcelain', '--', '.', ...OWN]),
    ]);
    const [sha = '', ref = ''] = facts.split('\n');
    return { sha, ref, dirty: status === '' ? [] : status.split('\n').map((line) => line.slice(3)) };
  } catch {
    return null;
  }
}

/** Is what would be released exactly a commit? Asked when a release is planned, where somebody can still commit. */
export function judgeTree(git: GitFacts | null): Omit<Check, 'name'> {
  if (git === null)
    return {
      verdict: 'unknown',
      reason: 'the workspace is not a git repository, so the release cannot name its source',
      fix: 'Commit the source, or skip with --skip preflight.git=REASON.',
    };
  if (git.dirty.length > 0)
    return {
      verdict: 'fail',
      reason: `${git.dirty.length} uncommitted changes: ${git.dirty.slice(0, 3).join(', ')}`,
      fix: 'Commit or stash them; only a commit is released.',
    };
  return { verdict: 'pass', reason: `clean at ${git.sha.slice(0, 12)} (${git.ref})` };
}

/** Is the commit, with all that is needed to check it out, in the repository of this folder? */
export async function hasCommit(workspace: string, sha: string): Promise<boolean> {
  try {
    await git(workspace, ['rev-parse', '--quiet', '--verify', `${sha}^{tree}`]);
    return true;
  } catch {
    return false;
  }
}

/** The commit a branch, tag or abbreviation means; null when git knows none. */
export async function commitOf(workspace: string, ref: string): Promise<string | null> {
  try {
    return await git(workspace, ['rev-parse', '--quiet', '--verify', '--end-of-options', `${ref}^{commit}`]);
  } catch {
    return null;
  }
}

/** The commit that the workspace is exactly; null without git, or when something in it is not committed. */
export async function sourceOf(workspace: string): Promise<string | null> {
  const git = await readGit(workspace);
  return git === null || git.dirty.length > 0 ? null : git.sha;
}

/** Is there a folder or file of that name in the commit, beside the workspace's own files? */
export async function isInCommit(workspace: string, sha: string, path: string): Promise<boolean> {
  try {
    await git(workspace, ['rev-parse', '--quiet', '--verify', `${sha}:./${path}`]);
    return true;
  } catch {
    return false;
  }
}

/** What an index file beside a folder that is checked out ends with. */
export const INDEX = '.index';

/** Writes the tree of a commit into a new folder, without touching the workspace or its index. */
export async function checkOut(workspace: string, sha: string, folder: string): Promise<void> {
  const index = folder + INDEX;
  await rm(folder, { recursive: true, force: true });
  await rm(index, { force: true });
  await mkdir(folder, { recursive: true });
  const environment = { ...process.env, GIT_INDEX_FILE: index };
  try {
    // `./` is the workspace's own folder in the repository.
    await run('git', ['-C', workspace, 'read-tree', `${sha}:./`], { env: environment });
    await run('git', ['-C', workspace, `--work-tree=${folder}`, 'checkout-index', '--all', '--force'], { env: environment });
  } catch (cause) {
    throw new SlipwayError('usage', `git could not check out ${sha}: ${messageOf(cause)}`, {
      cause,
      hint: 'Check that the commit exists in this repository.',
    });
  } finally {
    await rm(index, { force: true });
  }
}

async function git(workspace: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run('git', ['-C', workspace, ...args], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.replace(/\n$/, '');
}
