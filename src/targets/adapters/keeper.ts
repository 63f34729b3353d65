import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { signalGroup } from '../../kernel/index.ts';
import { isAlive, processRef, writeRecord, type KeeperRecord, type KeeperRequest, type RunExit } from './keeper-record.ts';
import { readRecord } from './read-record.ts';

/** A keeper only moves bytes; small heaps keep a machine with many instances light. */
const KEEPER_FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=1'];

/**
 * Starts a keeper. The record with the keeper's identity is on disk before the keeper learns what to start, so a
 * supervisor killed at any point leaves either nothing running or a record that names what runs.
 */
export async function startKeeper(request: KeeperRequest, onExit: () => void): Promise<KeeperRecord> {
  const file = fileURLToPath(new URL(`./keeper-main${path.extname(import.meta.url)}`, import.meta.url));
  const keeper = spawn(process.execPath, [...KEEPER_FLAGS, file], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {} });
  keeper.once('exit', onExit);
  keeper.once('error', onExit);
  // A keeper that died at once is seen by its exit; the broken pipe says nothing more.
  keeper.stdin.on('error', () => undefined);
  keeper.unref();
  const record = { ...request.record, keeper: keeper.pid === undefined ? null : processRef(keeper.pid) };
  await writeRecord(request.recordFile, record);
  keeper.stdin.end(`${JSON.stringify({ ...request, record })}\n`);
  return record;
}

/** The newest word on a run: `exit` is set once it is over and nothing of it is left. */
export function observeRun(record: KeeperRecord, file: string, boot: string, now: number): KeeperRecord {
  if (record.exit !== null) return record;
  const unknown: RunExit = { code: null, signal: null, at: now, reason: 'its keeper was killed or the machine restarted' };
  if (record.boot !== boot) return { ...record, exit: unknown };
  if (isAlive(record.keeper)) return record.child === null ? readRecord(file) : record;
  const last = readRecord(file);
  if (last.exit !== null) return last;
  // Without a keeper nobody takes its output or its exit code: end it, and look again until it is gone.
  if (isAlive(last.child)) {
    signalGroup(last.child.pid, 'SIGKILL');
    return last;
  }
  return { ...last, exit: unknown };
}

/** Asks the keeper to end its instance; returns at once. */
export function askToStop(record: KeeperRecord): void {
  if (isAlive(record.keeper)) signal(record.keeper.pid, 'SIGTERM');
}

/** The last resort, for a keeper that does not do what it was asked (it may be frozen). */
export function kill(record: KeeperRecord): void {
  if (isAlive(record.child)) signalGroup(record.child.pid, 'SIGKILL');
  if (isAlive(record.keeper)) signal(record.keeper.pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}
