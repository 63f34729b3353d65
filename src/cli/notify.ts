import { loadConfig, loadSet } from '../config/index.ts';
import type { NoticeAddress } from '../flags/index.ts';
import { resolveTemplate, SlipwayError } from '../kernel/index.ts';
import type { Secrets } from './secrets.ts';

/**
 * Where notices of an environment go, as slipway.yaml of the workspace says; read anew each time, so that nobody need be restarted.
 * Null: it says nothing of it, or there is none. @throws SlipwayError `config_invalid`, `secret_missing`
 */
export async function noticeAddresses(workspace: string, environment: string, secrets: Secrets): Promise<NoticeAddress | null> {
  const loaded = await loadConfig(workspace, environment).catch(async (error: unknown) => {
    const none = error instanceof SlipwayError && (error.code === 'config_missing' || error.code === 'usage');
    // A set declares no service, and so no notices.
    if (none || (await loadSet(workspace).catch(() => null)) !== null) return null;
    throw error;
  });
  const notify = loaded?.definition.notify;
  if (loaded === null || notify === undefined) return null;
  const variables = await secrets.environmentFor(workspace, loaded.definition.envFile);
  return (owner) => {
    const own = Object.hasOwn(notify.owners, owner) ? notify.owners[owner] : undefined;
    const { value, secrets: found } = resolveTemplate(own ?? notify.url, variables);
    secrets.add(found);
    return value;
  };
}
