import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import valid from 'semver/functions/valid.js';
import { messageOf, SlipwayError } from '../kernel/index.ts';

/** The version a source has: the one asked for, else that of its package.json, else one made of the commit. @throws SlipwayError `usage` */
export async function versionOfSource(
  request: { readonly version: string | null; readonly workspace: string },
  git: { readonly sha: string } | null,
): Promise<string> {
  const asked = request.version ?? (await packageVersion(request.workspace));
  if (asked === null) {
    if (git === null)
      throw new SlipwayError('usage', 'No version: there is no package.json with one, no git commit, and none was given', {
        hint: 'Pass --version 1.2.3.',
      });
    return `0.0.0-${git.sha.slice(0, 12)}`;
  }
  if (valid(asked) === null)
    throw new SlipwayError('usage', `"${asked}" is not a semantic version`, { hint: 'Use MAJOR.MINOR.PATCH, e.g. 1.2.3 or 1.2.3-rc.1.' });
  return asked;
}

async function packageVersion(workspace: string): Promise<string | null> {
  const text = await readFile(join(workspace, 'package.json'), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch (cause) {
    throw new SlipwayError('usage', `package.json is not JSON: ${messageOf(cause)}`, { cause, hint: 'Correct it, or pass --version.' });
  }
}
