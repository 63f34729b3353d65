import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConfigSettings, renderConfig } from './config.ts';
import { checkConfig } from './program.ts';
import { replaceFile } from './replace-file.ts';
import { renderScript, type ScriptSettings } from './script.ts';

/** Paths as HAProxy has them: it runs in their folder. */
export const TABLE = 'routes.map';
export const CONFIG = 'haproxy.cfg';
const SCRIPT = 'slipway.lua';

/** All that a new process needs to know. */
export interface Plan extends Omit<ConfigSettings, 'socket' | 'script' | 'table'>, Omit<ScriptSettings, 'table'> {
  /** By frontend. */
  readonly entries: ReadonlyMap<string, string>;
}

/**
 * Writes script, table and configuration, each whole or not at all.
 * @throws Error when HAProxy does not accept them; then the configuration before is still there
 */
export async function writeFiles(directory: string, plan: Plan, how: { readonly program: string; readonly socket: string }): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await replaceFile(join(directory, SCRIPT), renderScript({ ...plan, table: TABLE }));
  await replaceFile(join(directory, TABLE), [...plan.entries].map(([name, entry]) => `${name} ${entry}\n`).join(''));
  const fresh = `${CONFIG}.new`;
  await writeFile(join(directory, fresh), renderConfig({ ...plan, socket: how.socket, script: SCRIPT, table: TABLE }), { mode: 0o600 });
  const problem = await checkConfig(how.program, fresh, directory);
  if (problem !== null) throw new Error(`HAProxy does not accept the configuration Slipway wrote: ${problem}`);
  await rename(join(directory, fresh), join(directory, CONFIG));
}
