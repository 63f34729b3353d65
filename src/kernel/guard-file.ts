import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { readProcessStat } from './process-group.ts';

const ENDING = '.guard';

/** Notes beside a command's log which guard runs it, so that whoever follows a dead worker can wait for its end. */
export function noteGuard(logFile: string, pid: number): void {
  writeFileSync(`${logFile}${ENDING}`, `${hostname()} ${pid} ${readProcessStat(pid)?.startTicks ?? ''}`, { mode: 0o600 });
}

/** The command is gone, and its guard with it. */
export function forgetGuard(logFile: string): void {
  rmSync(`${logFile}${ENDING}`, { force: true });
}

/** Does a command whose log is in this folder still run on this host? A note whose guard is gone counts for nothing. */
export function commandsRunIn(folder: string): boolean {
  return readdirSync(folder).some((name) => name.endsWith(ENDING) && guardLives(path.join(folder, name)));
}

function guardLives(file: string): boolean {
  const [host, pid, startTicks] = readNote(file);
  const stat = host === hostname() ? readProcessStat(Number(pid)) : null;
  return stat !== null && stat.state !== 'Z' && String(stat.startTicks) === startTicks;
}

function readNote(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split(' ');
  } catch (error) {
    // Its command ended between two looks.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
