import { constants } from 'node:os';
import type { Logger } from './logger.ts';
import type { Shutdown } from './shutdown.ts';

/**
 * SIGTERM and SIGINT begin an orderly shutdown, a second one ends the process at once.
 * An error nobody handled is logged and ends it in order too, with code 1: its state can no longer be trusted, its users' requests can.
 * @returns a function that stops listening
 */
export function attachSignals(shutdown: Shutdown, log: Logger, exit: (code: number) => void): () => void {
  const onSignal = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (shutdown.stopping.aborted) {
      log.warn({ signal }, 'second signal, exiting at once');
      exit(128 + constants.signals[signal]);
      return;
    }
    void shutdown.begin(signal);
  };
  const onFatal =
    (kind: string) =>
    (error: unknown): void => {
      log.fatal({ err: error, kind }, 'an error that nothing handled');
      void shutdown.begin(kind, 1);
    };
  const listeners = [
    ['SIGTERM', onSignal],
    ['SIGINT', onSignal],
    ['unhandledRejection', onFatal('unhandledRejection')],
    ['uncaughtException', onFatal('uncaughtException')],
  ] as const;
  for (const [event, listener] of listeners) process.on(event, listener as (value: unknown) => void);
  return () => {
    for (const [event, listener] of listeners) process.off(event, listener as (value: unknown) => void);
  };
}
