import { readdirSync, readlinkSync } from 'node:fs';

/** Processes whose working folder is one of these or below. */
export function processesIn(folders: readonly string[]): readonly number[] {
  const below = (cwd: string): boolean => folders.some((folder) => cwd === folder || cwd.startsWith(`${folder}/`));
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && below(readlinkSync(`/proc/${pid}/cwd`));
      } catch {
        return false;
      }
    });
}

/** Kills them, except for those that end by themselves meanwhile. */
export function endProcessesIn(folders: readonly string[]): void {
  for (const pid of processesIn(folders)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
