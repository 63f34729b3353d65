import type { LogSummary } from './log-sink.ts';

/** What the worker tells its guard, over the IPC channel: secrets never stand in an argument list or a file. */
export type ToGuard = { readonly kind: 'run'; readonly run: GuardRun } | { readonly kind: 'touch' } | { readonly kind: 'cancel' };

export interface GuardRun {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly logFile: string;
  readonly maxLogBytes: number | null;
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly deadManMs: number;
}

/** Why the guard ended the command; null when the command ended by itself. */
export type GuardReason = 'timeout' | 'cancel' | 'dead-man' | null;

export type FromGuard =
  | { readonly kind: 'started'; readonly group: number }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | {
      readonly kind: 'ended';
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly reason: GuardReason;
      readonly log: LogSummary;
    };
