import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import type { Clock, Exec, ExecRequest, ExecResult } from './effects.ts';
import { forgetGuard, noteGuard } from './guard-file.ts';
import { createGuards } from './guard-process.ts';
import type { FromGuard, GuardRun, ToGuard } from './guard-protocol.ts';
import { createLogSink } from './log-sink.ts';
import { signalGroup } from './process-group.ts';
import { whyNotFound } from './start-error.ts';
import { SlipwayError, type Duration, type Redactor } from './pure.ts';

const DEFAULT_GRACE_MS = 5_000;
const DEFAULT_DEAD_MAN_MS = 10_000;
/** Several touches fit in one lease, so one late timer does not kill a healthy command. */
const TOUCHES_PER_LEASE = 5;

export interface ExecOptions {
  /**
   * How long the worker may be silent (stopped by a signal, or dead without the system noticing) before its command is ended,
   * which takes up to 60 % longer still. Default 10 s; all that must fit in the worker's lease.
   */
  readonly deadManMs?: Duration;
  /** How long a guard made ahead waits for the next command. Default 10 s. */
  readonly spareMs?: Duration;
}

/** {@link Exec}, which may be told ahead how many commands will come soon. */
export type GuardedExec = Exec & { readonly ahead: (count: number) => void };

/**
 * Runs commands under a guard process (`guard-main.ts`). `redact` is applied to messages and tails on top of
 * the request's own secrets, which the guard hides in the log.
 *
 * The returned function resolves once no process of the command is left. It throws SlipwayError
 * `command_not_found`, `not_found` (the folder), `disk_full`, or `fenced` when this worker was frozen for longer than the lease.
 */
export function createExec(clock: Clock, redact: Redactor, options: ExecOptions = {}): GuardedExec {
  const deadManMs = options.deadManMs ?? DEFAULT_DEAD_MAN_MS;
  const guards = createGuards(options.spareMs);
  const exec: Exec = async (request) => {
    if (!isFolder(request.cwd))
      throw new SlipwayError('not_found', redact(`The folder ${request.cwd} does not exist`), { hint: 'Create it, or correct the path.' });
    if (request.signal?.aborted === true) return cancelledBeforeStart(request);
    const guard = guards.take();
    // Before it is told to start anything: a worker killed from here on leaves a trace of what it began.
    leaveNote(guard, request);
    const answer = await superviseGuard(guard, { clock, deadManMs, request });
    if (answer.kind === 'refused') throw refusal(answer, request, redact);
    if (answer.reason === 'dead-man') {
      throw new SlipwayError(
        'fenced',
        redact(`This worker stood still for longer than its lease, so "${request.argv[0] ?? ''}" was ended`),
      );
    }
    const { tail, ...log } = answer.log;
    return {
      exitCode: answer.exitCode,
      signal: answer.signal,
      timedOut: answer.reason === 'timeout',
      isCanceled: answer.reason === 'cancel',
      tail: redact(tail),
      log,
    };
  };
  return Object.assign(exec, { ahead: guards.ahead });
}

function leaveNote(guard: ChildProcess, { logFile }: ExecRequest): void {
  try {
    if (guard.pid !== undefined) noteGuard(logFile, guard.pid);
  } catch (error) {
    guard.kill('SIGKILL');
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw new SlipwayError('disk_full', `No space left to write ${logFile}`);
    throw error;
  }
}

type Answer = Exclude<FromGuard, { kind: 'started' }>;

interface Supervision {
  readonly clock: Clock;
  readonly deadManMs: Duration;
  readonly request: ExecRequest;
}

async function superviseGuard(guard: ChildProcess, { clock, deadManMs, request }: Supervision): Promise<Answer> {
  // A guard that is gone can't take a message; its exit is what we wait for anyway.
  const send = (message: ToGuard): void => {
    if (guard.connected) guard.send(message, () => undefined);
  };
  const done = new AbortController();
  const cancel = (): void => send({ kind: 'cancel' });
  const touch = async (): Promise<void> => {
    while (!done.signal.aborted) {
      send({ kind: 'touch' });
      await clock.sleep(deadManMs / TOUCHES_PER_LEASE, done.signal);
    }
  };
  request.signal?.addEventListener('abort', cancel);
  try {
    const answer = answerOf(guard);
    send({ kind: 'run', run: runOf(request, deadManMs) });
    if (request.signal?.aborted === true) cancel();
    const [result] = await Promise.all([answer.finally(() => done.abort()), touch()]);
    return result;
  } finally {
    request.signal?.removeEventListener('abort', cancel);
    forgetGuard(request.logFile);
  }
}

function answerOf(guard: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let group: number | null = null;
    guard.on('message', (message: FromGuard) => {
      group = message.kind === 'started' ? message.group : null;
      if (message.kind !== 'started') resolve(message);
    });
    // The exit may be seen before the last messages are read; only the channel's end says that there are no more.
    Promise.all([once(guard, 'exit'), once(guard, 'disconnect')]).then(([[code, signal]]) => {
      // Someone killed the guard; without it nobody would ever end the command.
      if (group !== null) signalGroup(group, 'SIGKILL');
      reject(new Error(`The guard process ended without an answer (code ${String(code)}, signal ${String(signal)})`));
    }, reject);
  });
}

function runOf(request: ExecRequest, deadManMs: Duration): GuardRun {
  return {
    argv: request.argv,
    cwd: request.cwd,
    env: request.env,
    secrets: request.secrets,
    logFile: request.logFile,
    maxLogBytes: request.maxLogBytes ?? null,
    timeoutMs: request.timeoutMs,
    graceMs: request.graceMs ?? DEFAULT_GRACE_MS,
    deadManMs,
  };
}

function refusal(answer: Extract<Answer, { kind: 'refused' }>, request: ExecRequest, redact: Redactor): Error {
  const command = redact(request.argv[0] ?? '');
  const missing = whyNotFound(command, answer.code);
  if (missing !== null) return new SlipwayError('command_not_found', missing);
  if (answer.code === 'LOG_ENOSPC') return new SlipwayError('disk_full', `No space left to write ${request.logFile}`);
  return new Error(redact(`"${command}" could not be started: ${answer.message}`));
}

function cancelledBeforeStart(request: ExecRequest): ExecResult {
  const { tail, ...log } = createLogSink({ file: request.logFile, redact: (text) => text }).finish();
  return { exitCode: null, signal: null, timedOut: false, isCanceled: true, tail, log };
}

function isFolder(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
