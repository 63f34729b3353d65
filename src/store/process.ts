import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Driver } from '../release/index.ts';

/** Start time of a process in clock ticks since boot (proc(5), field 22); null where there is no /proc or no such process. */
function startTicksOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name may hold spaces and brackets: fields are counted after its last bracket.
    const field = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return field === undefined ? null : Number(field);
  } catch {
    return null;
  }
}

/** True while a process with this id exists, whoever owns it. A zombie counts as gone. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}

/**
 * Within which process ids mean the same: this boot of this kernel, and this namespace of ids. A host's name is not enough, for two
 * containers, or two machines of one image, may have the same. Where there is no /proc it has to do.
 */
export function thisPlace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return `host ${hostname()}`;
  }
}

/** This process as a driver of releases. */
export function thisDriver(id: string): Driver {
  return { id, host: hostname(), pid: process.pid, startTicks: startTicksOf(process.pid) };
}

/** Is the driver's process, on this host, still the one that took the claim? Its id alone may have been given to another process. */
export function isDriverAlive(driver: Driver): boolean {
  if (!processExists(driver.pid)) return false;
  return driver.startTicks === null || startTicksOf(driver.pid) === driver.startTicks;
}
