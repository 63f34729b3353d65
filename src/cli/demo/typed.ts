import { execFile, spawn } from 'node:child_process';
import { SlipwayError } from '../../kernel/index.ts';
import { ownArgv } from '../compose.ts';
import type { Stage } from './stage.ts';

/** Types a command in the shop's folder as a user would, on this terminal. Answers its exit code. */
export async function typed({ workspace, terminal, print, signal }: Stage, ...words: readonly string[]): Promise<number> {
  signal.throwIfAborted();
  print(`$ slipway ${words.join(' ')}`);
  const [program = '', ...args] = ownArgv('--dir', workspace.folder, ...words, ...(terminal.json ? ['--json'] : []));
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const stop = (): boolean => child.kill('SIGINT');
  signal.addEventListener('abort', stop);
  try {
    const exit = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
    signal.throwIfAborted();
    print('');
    return exit;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The document a command answers with --json, unseen. @throws SlipwayError `release_failed` when it prints none */
export async function asked({ workspace, signal }: Stage, ...words: readonly string[]): Promise<unknown> {
  const [program = '', ...args] = ownArgv('--dir', workspace.folder, ...words, '--json');
  const said = await new Promise<string>((resolve) => {
    execFile(program, args, { signal }, (_error, stdout) => resolve(stdout));
  });
  signal.throwIfAborted();
  try {
    return JSON.parse(said) as unknown;
  } catch (cause) {
    throw new SlipwayError('release_failed', `"slipway ${words.join(' ')}" printed no document`, { cause });
  }
}
