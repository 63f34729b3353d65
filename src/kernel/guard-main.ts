/**
 * A guard process: runs one command for a worker and outlives neither the command nor, by much, the worker.
 * It is the dead-man's switch: when the worker dies (the channel closes) or is frozen (no touch for the lease),
 * the command's whole process group is ended, so that no migration runs on behind the worker that takes over.
 */
import { performance } from 'node:perf_hooks';
import { startGuarded, type GuardedCommand } from './guard.ts';
import { forgetGuard } from './guard-file.ts';
import type { FromGuard, ToGuard } from './guard-protocol.ts';

let command: GuardedCommand | null = null;
let lastTouch = performance.now();

function report(message: FromGuard, then: () => void = () => undefined): void {
  if (process.connected && process.send !== undefined) process.send(message, undefined, undefined, () => then());
  else then();
}

/** The lease must be seen overdue twice: after our own freeze, touches may still wait to be read. */
function watchLease(deadManMs: number): void {
  let overdue = false;
  const timer = setInterval(
    () => {
      const late = performance.now() - lastTouch > deadManMs;
      if (late && overdue) command?.stop('dead-man');
      overdue = late;
    },
    Math.max(10, Math.floor(deadManMs / 20)),
  );
  timer.unref();
}

function run(message: Extract<ToGuard, { kind: 'run' }>): void {
  try {
    command = startGuarded(message.run, (group) => report({ kind: 'started', group }));
  } catch (error) {
    const { code = 'UNKNOWN', message: text } = error as NodeJS.ErrnoException;
    report({ kind: 'refused', code: `LOG_${code}`, message: text }, () => process.exit(0));
    return;
  }
  watchLease(message.run.deadManMs);
  void command.result.then((result) => {
    forgetGuard(message.run.logFile);
    report(result, () => process.exit(0));
  });
}

process.on('message', (message: ToGuard) => {
  lastTouch = performance.now();
  if (message.kind === 'run') run(message);
  if (message.kind === 'cancel') command?.stop('cancel');
});
process.on('disconnect', () => {
  if (command === null) process.exit(0);
  command.stop('dead-man');
});
// A terminal's Ctrl-C is for the CLI, which detaches; the release goes on.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGTERM', () => {
  if (command === null) process.exit(0);
  command.stop('cancel');
});
