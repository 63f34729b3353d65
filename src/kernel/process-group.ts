import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
/** After SIGKILL the kernel needs a moment; a process in uninterruptible sleep may need for ever. */
const KILL_WAIT_MS = 5_000;

/** What /proc/PID/stat says (proc_pid_stat(5), fields 3, 5 and 22). */
export interface ProcessStat {
  readonly state: string;
  readonly group: number;
  /** Kernel start time in clock ticks since boot; with the pid it names a process for good. */
  readonly startTicks: number;
}

/** Reads a process's state; null when there is no such process (or no /proc). */
export function readProcessStat(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in field 2 may hold spaces and parentheses, so count from the last one.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '?', group: Number(fields[2]), startTicks: Number(fields[19]) };
  } catch {
    return null;
  }
}

/** Sends a signal to every process of the group. False when there is none (or none we may signal). */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

/** Does any process of the group still run? A zombie nobody reaped does not count: it does nothing any more. */
export function groupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    const stat = readProcessStat(Number(name));
    return stat !== null && stat.group === group && stat.state !== 'Z' && stat.state !== 'X';
  });
}

/** Ends a process group: SIGTERM, `graceMs`, SIGKILL. Resolves true once it is gone, false if it outlived SIGKILL by 5 s. */
export async function stopGroup(group: number, graceMs: number): Promise<boolean> {
  if (signalGroup(group, 'SIGTERM') && (await groupGone(group, graceMs))) return true;
  signalGroup(group, 'SIGKILL');
  return groupGone(group, KILL_WAIT_MS);
}

async function groupGone(group: number, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  while (groupAlive(group)) {
    if (performance.now() >= end) return false;
    await delay(POLL_MS);
  }
  return true;
}
