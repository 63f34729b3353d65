import { loadConfig } from '../../../config/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import { commitOf, versionOf, type Definition, type OldVersion } from '../../../release/index.ts';
import type { App } from '../../compose.ts';

/** Releases looked back at. */
const RECENT = 500;

/**
 * The version a change is proven against: what serves, or what was asked for, a version that was released here before a commit.
 * @throws SlipwayError `not_possible_now` when nothing serves, `not_found` when nothing is called like that
 */
export async function oldVersionOf(app: App, { service, environment }: Definition, asked: string | undefined): Promise<OldVersion> {
  const { store } = app.opened;
  if (asked === undefined) {
    const serving = await store.lastServing(service, environment);
    if (serving !== null) return { kind: 'released', released: versionOf(serving), told: 'what serves' };
    throw new SlipwayError(
      'not_possible_now',
      `Nothing of ${service} serves in ${environment}, so there is no old version to prove anything against`,
      {
        hint: 'Name one: --from REF, such as --from main.',
      },
    );
  }
  const releases = await store.list({ service, environment, limit: RECENT });
  const found = releases.find(({ status, version }) => status === 'released' && version === asked);
  if (found !== undefined)
    return { kind: 'released', released: versionOf(await store.load(found.release)), told: `release ${found.release}` };
  const sha = await commitOf(app.places.workspace, asked);
  if (sha !== null)
    return {
      kind: 'commit',
      sha,
      told: `--from ${asked}`,
      readDefinition: async (folder) => (await loadConfig(folder, environment)).definition,
    };
  throw new SlipwayError('not_found', `${asked} is neither a version that was released to ${environment} nor a commit here`, {
    hint: 'Run `slipway list`, or name a branch, a tag or a commit.',
  });
}
