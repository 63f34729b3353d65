import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Clock, Duration, Log } from '../../kernel/index.ts';

/** The worker beside an agent: drives releases in a process of its own, so that neither its work nor its death touches traffic. */
export interface WorkerProcess {
  pid(): number | null;
  restarts(): number;
  /** Lets it finish the step it is at, then it is gone. */
  stop(): Promise<void>;
}

export interface WorkerProcessOptions {
  /** Program and arguments, e.g. `[node, main.js, worker]`. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The longest distance between two starts of a worker that keeps ending. Default 1 s. */
  readonly longestWaitMs?: Duration | undefined;
}

/** A worker that lived this long had begun to work; it is started again at once, because a release waits for it. */
const BEGAN_TO_WORK_MS = 1_000;
const LONGEST_WAIT_MS = 1_000;
const STOP_WITHIN_MS = 20_000;

/** Starts the worker and starts it again whenever it ends, at growing distances when it keeps ending. */
export function keepWorker(options: WorkerProcessOptions): WorkerProcess {
  const stopping = new AbortController();
  let child: ChildProcess | null = null;
  let restarts = 0;

  const loop = async (): Promise<void> => {
    for (let quick = 0; !stopping.signal.aborted;) {
      const startedAt = options.clock.monotonic();
      child = start(options);
      const ended = await exitOf(child);
      child = null;
      if (stopping.signal.aborted) return;
      restarts += 1;
      quick = options.clock.monotonic() - startedAt > BEGAN_TO_WORK_MS ? 0 : quick + 1;
      options.log('warn', 'the worker ended and is started again', { ...ended, restarts });
      await options.clock.sleep(Math.min(options.longestWaitMs ?? LONGEST_WAIT_MS, quick <= 1 ? 0 : 50 * 2 ** quick), stopping.signal);
    }
  };
  const done = loop();
  return {
    pid: () => child?.pid ?? null,
    restarts: () => restarts,
    stop: async () => {
      stopping.abort();
      const running = child;
      running?.kill('SIGTERM');
      const late = setTimeout(() => running?.kill('SIGKILL'), STOP_WITHIN_MS);
      await done;
      clearTimeout(late);
    },
  };
}

function start({ argv, cwd, logFile }: WorkerProcessOptions): ChildProcess {
  const [program = '', ...args] = argv;
  const output = openSync(logFile, 'a', 0o600);
  // The worker reads its input only to learn, by its end, that the agent is gone.
  const child = spawn(program, args, { cwd, stdio: ['pipe', output, output] });
  closeSync(output);
  return child;
}

function exitOf(child: ChildProcess): Promise<{ readonly code: number | null; readonly signal: string | null; readonly error?: string }> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => resolve({ code: null, signal: null, error: error.message }));
  });
}
