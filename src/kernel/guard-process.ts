import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Commands of one release follow each other closely; a worker that waits for hours keeps no process for them. */
const IDLE_MS = 10_000;

/** A guard that waits for its command. */
interface Spare {
  readonly guard: ChildProcess;
  readonly idle: NodeJS.Timeout;
}

/**
 * Makes guard processes, each used once. Starting a Node process costs more than many a command, so the next guard starts while
 * this one's command runs. One that waits was told nothing: it ends with this process, or when nobody needed it for a while.
 */
export function createGuards(idleMs: number = IDLE_MS): () => ChildProcess {
  let spare: Spare | null = null;
  return () => {
    const guard = takeUp(spare) ?? forkGuard();
    spare = null;
    // Starting a process stops this one for a moment: first the command is under way.
    setImmediate(() => {
      spare ??= setAside(forkGuard(), idleMs);
    });
    return guard;
  };
}

/** Nothing in this process waits for it. */
function setAside(guard: ChildProcess, idleMs: number): Spare {
  guard.unref();
  guard.channel?.unref();
  // One that could not be started is found out by whoever wants to use it.
  guard.on('error', () => undefined);
  const idle = setTimeout(() => {
    if (guard.connected) guard.disconnect();
  }, idleMs);
  idle.unref();
  return { guard, idle };
}

function takeUp(spare: Spare | null): ChildProcess | null {
  if (spare === null) return null;
  const { guard, idle } = spare;
  clearTimeout(idle);
  if (!guard.connected || guard.exitCode !== null || guard.signalCode !== null) return null;
  guard.ref();
  guard.channel?.ref();
  return guard;
}

/** The guard gets nothing of our environment: whatever it holds must not leak into a step by accident. */
function forkGuard(): ChildProcess {
  const file = fileURLToPath(new URL(`./guard-main${path.extname(import.meta.url)}`, import.meta.url));
  return fork(file, [], { detached: true, execArgv: [], env: {}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
}
