import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/**
 * Runs a program in the place of this one: same input and output, its exit code is ours, and a signal for us is one for it. Written for
 * a Node older than the rest needs.
 * @param onError called when it cannot be started
 */
export function runInPlace(program: string, args: readonly string[], env: NodeJS.ProcessEnv, onError: () => void): void {
  const child = spawn(program, args, { stdio: 'inherit', env });
  // A second one would be taken for the impatience of somebody who pressed Ctrl-C twice.
  process.on('SIGINT', () => inForeground() || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  // Whoever gets it twice has ended at the first.
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.once('error', onError);
  child.once('exit', (code, signal) => (process.exitCode = code ?? (signal === null ? 1 : 128 + constants.signals[signal])));
}

const LOOK_MS = 500;

/**
 * Tells this process to end, as SIGTERM does, when its parent is gone: one that was killed could pass nothing on. By its number, not by
 * a pipe that closes: nothing is there to be handed on to what we start, or to be held open by it.
 * @param relay whose place we are in; it may be gone before we look for the first time
 */
export function endWithParent(relay: number): void {
  const parent = process.ppid;
  // A program between us, which some installations of Node are, is a parent that lives.
  if (parent !== relay && !runs(relay)) return void process.kill(process.pid, 'SIGTERM');
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_MS);
  // It keeps nobody up.
  look.unref();
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // Also somebody else's process: it is another one that got its number.
    return false;
  }
}

/** Does a terminal send its Ctrl-C to us? Then it sends it to the program as well, which is in the same process group. */
function inForeground(): boolean {
  try {
    const text = readFileSync('/proc/self/stat', 'utf8');
    // proc_pid_stat(5), fields 5 (group), 7 (terminal) and 8 (its foreground group); field 2 may hold spaces.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[4] !== '0' && fields[5] === fields[2];
  } catch {
    return [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  }
}
