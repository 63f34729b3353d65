import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface Identity {
  readonly name: string;
  readonly version: string;
  readonly gitSha: string;
}

/** The nearest package.json at or above `directory`; empty when there is none. */
function manifestAbove(directory: string): { readonly name?: unknown; readonly version?: unknown } {
  try {
    return JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as object;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const parent = path.dirname(directory);
    return parent === directory ? {} : manifestAbove(parent);
  }
}

/** What runs here: as told, else from package.json and GIT_SHA; `unknown` is said as such. */
export function identify(given: Partial<Identity>, env: NodeJS.ProcessEnv): Identity {
  const whole = given.name !== undefined && given.version !== undefined;
  const manifest = whole ? {} : manifestAbove(process.cwd());
  const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
  return {
    name: given.name ?? text(manifest.name) ?? 'unknown',
    version: given.version ?? text(manifest.version) ?? 'unknown',
    gitSha: given.gitSha ?? text(env['GIT_SHA']) ?? 'unknown',
  };
}
