import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import { isAlive, processRef, type ProcessRef } from './keeper-record.ts';

/**
 * Takes a folder for this process. Two supervisors on one folder would start everything twice. The kernel keeps the lock, as
 * an abstract socket named after the folder: it ends with its process, so none is ever left behind, and of two who find the
 * owner dead at the same time only one gets it. `file` says who has it. Returns what gives the folder back.
 * @throws SlipwayError `agent_running` naming the owner
 */
export async function lockFolder(file: string): Promise<() => void> {
  const held = await holdName(path.dirname(file));
  const owner = ownerOf(file);
  // Somebody alive whom the kernel does not know: in another network namespace, or of an older build.
  if (held === null || isAlive(owner)) {
    held?.close();
    const who = isAlive(owner) ? `Process ${owner.pid}` : 'Another process';
    throw new SlipwayError('agent_running', `${who} supervises this folder already (${file})`);
  }
  // A reader sees the whole of it or nothing.
  writeFileSync(`${file}.new`, JSON.stringify(processRef(process.pid)), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return () => {
    rmSync(file, { force: true });
    held.close();
  };
}

/** Holds the folder's name until closed; null when another process does. */
async function holdName(folder: string): Promise<Server | null> {
  const { dev, ino } = statSync(folder, { bigint: true });
  const server = createServer((socket) => socket.destroy()).unref();
  server.listen(`\0slipway-supervisor-${dev}-${ino}`);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
    throw error;
  }
}

function ownerOf(file: string): ProcessRef | null {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessRef> | null;
    return typeof value?.pid === 'number' && typeof value.startTicks === 'number' ? { pid: value.pid, startTicks: value.startTicks } : null;
  } catch {
    // Gone meanwhile, or damaged: nobody owns it.
    return null;
  }
}
