import { commandLine } from './command-line.ts';
import type { ProjectFiles } from './files.ts';

export interface ProcfileFacts {
  readonly found: boolean;
  /** In the order of the file; `run` is null where a line needs a shell or holds a secret. */
  readonly processes: readonly { readonly name: string; readonly run: string | null }[];
  /** A command that runs once before each release (Heroku's `release`), as it is written. */
  readonly once: string | null;
}

/** Nothing a command line holds by itself; stands for the port while a line is split. */
const PORT = 'SLIPWAYxPORT';

/** What a Procfile (Heroku, foreman) names: `web: node server.js`, one process a line. */
export async function readProcfile(files: ProjectFiles): Promise<ProcfileFacts> {
  const text = await files.text('Procfile');
  if (text === null) return { found: false, processes: [], once: null };
  const lines = text.split('\n').flatMap((line) => {
    const [, name, command] = /^\s*([A-Za-z0-9_-]+)\s*:\s*(\S.*?)\s*$/.exec(line) ?? [];
    return name === undefined || command === undefined ? [] : [{ name, command }];
  });
  const once = lines.find(({ name }) => name === 'release');
  const processes = lines.filter(({ name }) => name !== 'release').map(({ name, command }) => ({ name, run: lineOf(command) }));
  return { found: true, processes, once: once === undefined ? null : lineOf(once.command) };
}

/** `$PORT` is the one variable every Procfile may count on, and Slipway knows it too. */
function lineOf(command: string): string | null {
  const line = commandLine(command.replaceAll(/\$\{PORT\}|\$PORT\b/g, PORT));
  return line === null ? null : line.replaceAll(PORT, '${port}');
}
