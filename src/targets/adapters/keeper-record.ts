import { readFileSync } from 'node:fs';
import { readProcessStat, type Duration, type Instant } from '../../kernel/index.ts';
import { writeAtomic } from './atomic-file.ts';

/** A process, named for good. */
export interface ProcessRef {
  readonly pid: number;
  readonly startTicks: number;
}

export interface RunExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly at: Instant;
  /** What a person should know beyond code and signal. */
  readonly reason: string | null;
}

/** One run of one instance, written by the supervisor before the start and by the keeper from then on. */
export interface KeeperRecord {
  readonly schema: 'slipway.instance/1';
  readonly group: string;
  readonly process: string;
  readonly index: number;
  readonly identity: string;
  readonly graceMs: Duration;
  /** Counts the starts of this definition from 1. */
  readonly run: number;
  readonly port: number | null;
  readonly startedAt: Instant;
  /** The kernel's boot: after a reboot the same pid with the same start time may be another process. */
  readonly boot: string;
  readonly keeper: ProcessRef | null;
  readonly child: ProcessRef | null;
  readonly exit: RunExit | null;
  readonly previousExit: RunExit | null;
}

/** What the supervisor hands to a keeper over stdin, so that no secret stands in an argument list or a file. */
export interface KeeperRequest {
  readonly record: KeeperRecord;
  readonly recordFile: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly logFile: string;
}

export function writeRecord(file: string, record: KeeperRecord): Promise<void> {
  return writeAtomic(file, `${JSON.stringify(record)}\n`);
}

/** Names this boot of the machine. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Pid and start time of a process; null when it is gone already. */
export function processRef(pid: number): ProcessRef | null {
  const stat = readProcessStat(pid);
  return stat === null ? null : { pid, startTicks: stat.startTicks };
}

/** Is it still this very process, and does it run? A reused pid has another start time; a zombie is over. */
export function isAlive(process: ProcessRef | null): process is ProcessRef {
  if (process === null) return false;
  const stat = readProcessStat(process.pid);
  return stat !== null && stat.startTicks === process.startTicks && stat.state !== 'Z' && stat.state !== 'X';
}
