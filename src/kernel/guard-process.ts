import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Commands of one release follow each other closely; a worker that waits for hours keeps no process for them. */
const IDLE_MS = 10_000;

/** Each takes some 40 MB while it waits. */
const MOST_SPARES = 3;

/** A guard that waits for its command. */
interface Spare {
  readonly guard: ChildProcess;
  readonly idle: NodeJS.Timeout;
}

/** Starting a process stops this one for a moment, so several are not started in one go. */
const APART_MS = 50;

/** Where guards come from. */
export interface Guards {
  take(): ChildProcess;
  /** Commands will follow soon, about so many. */
  ahead(count: number): void;
}

/**
 * Makes guard processes, each used once. Starting a Node process costs more than many a command, so the next guard starts while
 * this one's command runs. One that waits was told nothing: it ends with this process, or when nobody needed it for a while.
 */
export function createGuards(idleMs: number = IDLE_MS): Guards {
  const spares: Spare[] = [];
  let wanted = 0;
  let missing = 0;
  let next: NodeJS.Timeout | null = null;
  const more = (): void => {
    next = null;
    if (missing <= 0) return;
    // Counted down, not counted again: a spare that ended because nobody came is not to be replaced.
    missing -= 1;
    spares.push(setAside(forkGuard(), idleMs));
    next = setTimeout(more, APART_MS).unref();
  };
  const want = (count: number): void => {
    wanted = Math.min(count, MOST_SPARES);
    // Those that ended meanwhile are none.
    spares.splice(0, spares.length, ...spares.filter(({ guard }) => isUsable(guard)));
    missing = wanted - spares.length;
    // Not before what this process is about to do now, above all to tell a guard its command.
    next ??= setTimeout(more, 0).unref();
  };
  return {
    take: () => {
      const guard = firstUsable(spares) ?? forkGuard();
      want(Math.max(1, wanted - 1));
      return guard;
    },
    ahead: want,
  };
}

function firstUsable(spares: Spare[]): ChildProcess | null {
  for (let spare = spares.shift(); spare !== undefined; spare = spares.shift()) {
    const guard = takeUp(spare);
    if (guard !== null) return guard;
  }
  return null;
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

function takeUp({ guard, idle }: Spare): ChildProcess | null {
  clearTimeout(idle);
  if (!isUsable(guard)) return null;
  guard.ref();
  guard.channel?.ref();
  return guard;
}

function isUsable(guard: ChildProcess): boolean {
  return guard.connected && guard.exitCode === null && guard.signalCode === null;
}

/** The guard gets nothing of our environment: whatever it holds must not leak into a step by accident. */
function forkGuard(): ChildProcess {
  const file = fileURLToPath(new URL(`./guard-main${path.extname(import.meta.url)}`, import.meta.url));
  return fork(file, [], { detached: true, execArgv: [], env: {}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
}
