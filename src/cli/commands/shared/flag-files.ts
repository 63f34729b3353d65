import { loadFlags, readPulled, type LoadedFlags } from '../../../config/index.ts';
import { compareFiles, type ComparedFlags, type FilesProblem } from '../../../flags/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import type { App } from '../../compose.ts';
import type { Call } from '../spec.ts';

/** The files of the workspace beside an environment of the server. */
export interface FilesBeside {
  readonly loaded: LoadedFlags;
  readonly compared: ComparedFlags;
  readonly pulled: Readonly<Record<string, number>>;
}

/** @throws SlipwayError `config_invalid` with the place of everything that is wrong in the files for this environment */
export async function besideServer(call: Call, { opened, effects }: App, environment: string): Promise<FilesBeside> {
  const [loaded, pulled] = await Promise.all([loadFlags(call.directory), readPulled(call.directory)]);
  const at = Object.hasOwn(pulled, environment) ? (pulled[environment] ?? 0) : 0;
  const compared = await compareFiles({ store: opened.flags, clock: effects.clock }, loaded.files, environment, at);
  refuseProblems(loaded, environment, compared.gaps);
  return { loaded, compared, pulled };
}

/** @throws SlipwayError `config_invalid` when there are any, each with its place */
export function refuseProblems(loaded: LoadedFlags, environment: string, problems: readonly FilesProblem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ kind, key, path, message }) => {
    const shown = [key, ...path]
      .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
      .join('');
    if (loaded.fileOf(kind, key) === null) return `${kind} ${shown} of the server ${message}`;
    const { file, line, column } = loaded.place(kind, key, path, environment);
    return `${file}:${line}:${column}  ${shown} ${message}`;
  });
  throw new SlipwayError('config_invalid', `In ${environment} the files are wrong:\n${lines.join('\n')}`, {
    hint: 'Correct the lines named above; docs/flags/lifecycle.md describes the files.',
  });
}
