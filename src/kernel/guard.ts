import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { createRedactor } from './pure.ts';
import type { FromGuard, GuardReason, GuardRun } from './guard-protocol.ts';
import { createLogSink, type LogSink } from './log-sink.ts';
import { groupAlive, stopGroup } from './process-group.ts';

/** The longest a timer can wait; Node fires longer ones at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** After the command's own exit, how long its children may go on writing before they are ended. */
const STRAGGLER_MS = 500;

/** A command in flight under this guard. */
export interface GuardedCommand {
  /** Ends the whole process group; the first reason stands. */
  stop(reason: Exclude<GuardReason, null>): void;
  /** `ended` or `refused`, once no process of the group is left. */
  readonly result: Promise<Exclude<FromGuard, { kind: 'started' }>>;
}

const REASONS: Readonly<Record<Exclude<GuardReason, null>, string>> = {
  timeout: 'the time limit was reached; the command is being ended',
  cancel: 'the release asked to stop; the command is being ended',
  'dead-man': 'the worker is gone or frozen; the command is being ended',
};

/**
 * Starts the command in a process group of its own with empty stdin and captures its output.
 * @throws the system's error when the log file cannot be created
 */
export function startGuarded(run: GuardRun, started: (group: number) => void, patience = stragglersTime): GuardedCommand {
  const sink = createLogSink({
    file: run.logFile,
    redact: createRedactor(run.secrets),
    longestSecret: Math.max(0, ...run.secrets.map((secret) => secret.length)),
    ...(run.maxLogBytes === null ? {} : { maxBytes: run.maxLogBytes }),
  });
  const [command = '', ...args] = run.argv;
  const child = spawn(command, args, { cwd: run.cwd, env: { ...run.env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', sink.input());
  child.stderr.on('data', sink.input());
  // From the start: output that ended before the command did is told in the same moment as its exit.
  const closed = outputEnded(child);

  let reason: GuardReason = null;
  let stopping: Promise<boolean> | null = null;
  const stop = (why: Exclude<GuardReason, null>): void => {
    if (reason !== null || child.pid === undefined) return;
    reason = why;
    sink.note(REASONS[why]);
    // Whoever takes over must not meet the command, so a lost worker's command has less time than its lease had left.
    stopping = stopGroup(child.pid, why === 'dead-man' ? Math.min(run.graceMs, run.deadManMs / 2) : run.graceMs);
  };
  const timer = setTimeout(() => stop('timeout'), Math.min(run.timeoutMs, MAX_TIMER_MS));
  if (child.pid !== undefined) started(child.pid);

  const result = outcomeOf(child).then(async (outcome) => {
    if ('error' in outcome) {
      sink.finish();
      return { kind: 'refused', code: outcome.error.code ?? 'UNKNOWN', message: outcome.error.message } as const;
    }
    await (stopping ?? Promise.race([closed, patience()]).then(() => endStragglers(child, run.graceMs, sink)));
    clearTimeout(timer);
    return { kind: 'ended', ...outcome, reason, log: sink.finish() } as const;
  });
  return { stop, result };
}

type Outcome = { readonly exitCode: number | null; readonly signal: string | null } | { readonly error: NodeJS.ErrnoException };

function outcomeOf(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      // A failed kill is an 'error' too; only a process that never was has no pid.
      if (child.pid === undefined) resolve({ error });
    });
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

/** A step owns its processes: what a command leaves in its group must not run on behind the step's back. */
async function endStragglers(child: ChildProcess, graceMs: number, sink: LogSink): Promise<void> {
  if (child.pid === undefined || !groupAlive(child.pid)) return;
  sink.note('the command ended but left processes running; they are being ended');
  await stopGroup(child.pid, graceMs);
}

function outputEnded(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
  });
}

function stragglersTime(): Promise<void> {
  return delay(STRAGGLER_MS);
}
