import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { processExists } from '../process.ts';
import { SOCKET_NAME } from './socket.ts';

/** PostgreSQL's shutdown modes: wait for clients to leave, disconnect them, or drop everything and recover at the next start. */
export type StopMode = 'smart' | 'fast' | 'immediate';

const SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** First line of a PostgreSQL lock file, and the data folder on its second; null when there is no such file. */
function readLockFile(file: string): { readonly pid: number; readonly directory: string } | null {
  try {
    const [pid = '', directory = ''] = readFileSync(file, 'utf8').split('\n');
    return { pid: Number(pid), directory };
  } catch {
    return null;
  }
}

/** The running server of a data folder, by its postmaster.pid; null when there is none. */
export function runningPostmaster(dataDirectory: string): number | null {
  const lock = readLockFile(join(dataDirectory, 'postmaster.pid'));
  return lock !== null && worksIn(lock.pid, dataDirectory) ? lock.pid : null;
}

/** The server that holds the socket although its data folder is gone or was replaced (somebody removed the state directory under it). */
export function ghostPostmaster(socketDirectory: string, dataDirectory: string): number | null {
  const lock = readLockFile(join(socketDirectory, `${SOCKET_NAME}.lock`));
  if (lock === null || lock.directory !== dataDirectory || !processExists(lock.pid)) return null;
  return readLockFile(join(dataDirectory, 'postmaster.pid'))?.pid === lock.pid ? null : lock.pid;
}

/** Asks a server to stop; a server that is already gone is no error. */
export function signalPostmaster(pid: number, mode: StopMode): void {
  try {
    process.kill(pid, SIGNALS[mode]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Removes a postmaster.pid whose number was given to another process since (after a reboot or in a new container):
 * PostgreSQL itself would refuse to start. It is left alone when its process is gone, which PostgreSQL handles by itself
 * with a check of shared memory, and while any process still works in the folder.
 */
export function clearForeignPidFile(dataDirectory: string): void {
  const file = join(dataDirectory, 'postmaster.pid');
  const lock = readLockFile(file);
  if (lock === null || !processExists(lock.pid) || worksIn(lock.pid, dataDirectory)) return;
  const anybody = readdirSync('/proc').some((name) => /^\d+$/.test(name) && worksIn(Number(name), dataDirectory));
  if (!anybody) rmSync(file, { force: true });
}

/** Does the process have the data folder as its working folder, as every PostgreSQL process has? */
function worksIn(pid: number, dataDirectory: string): boolean {
  if (process.platform !== 'linux') return processExists(pid);
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === dataDirectory;
  } catch {
    return false;
  }
}
