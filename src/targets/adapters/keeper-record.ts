import { readFileSync } from 'node:fs';
import { readProcessStat } from '../../kernel/index.ts';
import { z } from 'zod';
import { writeAtomic } from './atomic-file.ts';
import { parseOrRefuse } from './process-store.ts';

const ref = z.strictObject({ pid: z.int(), startTicks: z.int() });
const exit = z.strictObject({ code: z.int().nullable(), signal: z.string().nullable(), at: z.number(), reason: z.string().nullable() });

const schema = z.strictObject({
  schema: z.literal('slipway.instance/1'),
  group: z.string(),
  process: z.string(),
  index: z.int(),
  identity: z.string(),
  /** SIGTERM to SIGKILL, ms. */
  graceMs: z.number(),
  /** Counts the starts of this definition from 1. */
  run: z.int(),
  port: z.int().nullable(),
  startedAt: z.number(),
  /** The kernel's boot: after a reboot the same pid with the same start time may be another process. */
  boot: z.string(),
  keeper: ref.nullable(),
  child: ref.nullable(),
  exit: exit.nullable(),
  previousExit: exit.nullable(),
});

/** One run of one instance, written by the supervisor before the start and by the keeper from then on. */
export type KeeperRecord = z.infer<typeof schema>;
export type ProcessRef = z.infer<typeof ref>;
export type RunExit = z.infer<typeof exit>;

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

/** @throws SlipwayError `state_corrupt` */
export function readRecord(file: string): KeeperRecord {
  return parseOrRefuse(file, readFileSync(file, 'utf8'), schema);
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
