import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { processExists } from '../process.ts';
import { isOursAlone, SOCKET_NAME } from './socket.ts';

/** PostgreSQL's shutdown modes: wait for clients to leave, disconnect them, or drop everything and recover at the next start. */
export type StopMode = 'smart' | 'fast' | 'immediate';

const SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** The lines of a PostgreSQL lock file: pid, data folder, start time, port, folder of the socket (empty until it listens). */
interface LockFile {
  readonly pid: number;
  readonly directory: string;
  readonly sockets: string;
}

/** Null when there is no such file. */
function readLockFile(file: string): LockFile | null {
  try {
    const [pid = '', directory = '', , , sockets = ''] = readFileSync(file, 'utf8').split('\n');
    return { pid: Number(pid), directory, sockets };
  } catch {
    return null;
  }
}

/** The running server of a data folder, by its postmaster.pid; null when there is none. */
export function runningPostmaster(dataDirectory: string): number | null {
  const lock = readLockFile(join(dataDirectory, 'postmaster.pid'));
  return lock !== null && worksIn(lock.pid, dataDirectory) ? lock.pid : null;
}

/**
 * Where the server of a data folder has its socket by its own word, whatever TMPDIR it was started with; null when it has not said so.
 * The lock beside the socket must name the same folder: in a copy of the state directory, postmaster.pid speaks of the original's server.
 */
export function recordedSockets(dataDirectory: string): string | null {
  const { sockets = '' } = readLockFile(join(dataDirectory, 'postmaster.pid')) ?? {};
  const owner = statSync(dataDirectory, { throwIfNoEntry: false })?.uid;
  if (sockets === '' || owner === undefined || !isOursAlone(sockets, owner)) return null;
  return readLockFile(join(sockets, `${SOCKET_NAME}.lock`))?.directory === dataDirectory ? sockets : null;
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
