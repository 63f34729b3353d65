import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { SlipwayError } from '../../kernel/index.ts';
import { isAlive, processRef, type ProcessRef } from './keeper-record.ts';

/**
 * Takes a folder for this process. Two supervisors on one folder would start everything twice.
 * A lock whose owner is dead is taken over. Returns what gives the folder back.
 * @throws SlipwayError `agent_running` naming the owner
 */
export function lockFolder(file: string): () => void {
  const self = processRef(process.pid);
  const own = `${file}.${process.pid}`;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      // A link appears with its content or not at all, so no one reads a lock half written.
      writeFileSync(own, JSON.stringify(self), { mode: 0o600 });
      linkSync(own, file);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(own, { force: true });
    }
    const owner = ownerOf(file);
    if (isAlive(owner)) throw new SlipwayError('agent_running', `Process ${owner.pid} supervises this folder already (${file})`);
    rmSync(file, { force: true });
  }
  throw new SlipwayError('agent_running', `Another process keeps taking ${file}`);
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
