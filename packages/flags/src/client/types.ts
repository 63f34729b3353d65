import type { Evaluations } from '../core/evaluator.ts';
import type { Refusal } from '../core/stream/apply.ts';

/**
 * Where what is evaluated came from: the server; the last-good file of an earlier life; the bootstrap that was packaged; or nowhere, so that every
 * evaluation answers the caller's own default.
 */
export type Source = 'server' | 'last-good' | 'bootstrap' | 'defaults';

/**
 * - `NOT_READY`: begun, and `ready` has not resolved
 * - `READY`: what is evaluated was the newest within the last 45 s
 * - `STALE`: it may be old, or the server showed older flags than these; evaluation goes on with it
 * - `ERROR`: there is nothing to evaluate with, or the server refuses the token
 */
export type State = 'NOT_READY' | 'READY' | 'STALE' | 'ERROR' | 'CLOSED';

export interface Ready {
  readonly source: Source;
  readonly environment: string | null;
  /** Of the flags that are evaluated; null where there are none. */
  readonly seq: number | null;
  readonly waitedMs: number;
  /** Why it is not the server, for people; null when it is. */
  readonly problem: string | null;
}

export interface Status {
  readonly state: State;
  readonly source: Source;
  readonly environment: string | null;
  readonly seq: number | null;
  /** For how long it was not known whether there is anything newer; 0 while READY, Infinity when it never was. */
  readonly staleForMs: number;
  /** What was sent and not taken, by reason, since the client was made. */
  readonly refused: Readonly<Record<Refusal, number>>;
  /** `first-use`: no keys were pinned, and the first one seen was believed. */
  readonly trust: 'pinned' | 'first-use';
  /** Who may sign. */
  readonly keys: readonly string[];
  /** The last thing that went wrong, null since something went right. */
  readonly problem: string | null;
}

export interface Change {
  readonly environment: string;
  readonly seq: number;
  /** Flags that may evaluate differently now; null: any. */
  readonly flags: readonly string[] | null;
}

export interface ClientEvents {
  /** What is evaluated is another set of flags. */
  readonly change: (change: Change) => void;
  readonly state: (status: Status) => void;
}

/** Flags that follow the server. Evaluation is synchronous, never throws and never waits. */
export interface FlagsClient extends Evaluations {
  /** Never rejects, and resolves within `initTimeoutMs`. */
  readonly ready: Promise<Ready>;
  /** What is evaluated now, for as long as somebody holds it: everything one request asks of it is of one version. */
  readonly snapshot: () => FlagsSnapshot;
  readonly status: () => Status;
  /** Answers how to stop it. What a listener throws is logged. */
  readonly on: <K extends keyof ClientEvents>(event: K, listener: ClientEvents[K]) => () => void;
  /** Ends the connection, tells the last counts and keeps the last good flags; within two seconds. Evaluation goes on with what there is. */
  readonly close: () => Promise<void>;
}

export interface FlagsSnapshot extends Evaluations {
  readonly environment: string;
  readonly seq: number;
}
