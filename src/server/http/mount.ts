import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono, MiddlewareHandler } from 'hono';
import type { FlagChange, FlagStore, FlagTelemetry, Scope, StoredFlags, Token } from '../../flags/index.ts';
import type { Clock, Duration, Ids, Log, Redactor } from '../../kernel/index.ts';
import type { AddressOf } from './address.ts';
import type { Described } from './api/operation.ts';
import type { Counts } from './counts.ts';
import type { Refusals } from './refusals.ts';

/** What a request carries: node's own objects, and the token it was admitted with (only behind {@link Serving.allow}). */
export interface ServeEnv {
  Bindings: HttpBindings;
  Variables: {
    token: Token;
    /** What every answer carries that a page may read; a stream writes its headers itself. */
    pageHeaders: Readonly<Record<string, string>> | undefined;
  };
}

/**
 * A part of `slipway serve`. Paths are whole (`/flags/v1/stream`). A part throws `SlipwayError`; the server makes the answer of it,
 * `{ error: { code, message, hint } }` with the code's HTTP status.
 */
export interface Mounted {
  routes(app: Hono<ServeEnv>): void;
  /** What its routes are, for `/openapi.json`. */
  readonly described: readonly Described[];
  /** Says good-bye to whoever is connected, before it waits for anything: event streams are ended right after that. */
  close(): Promise<void>;
}

export type Mount = (serving: Serving) => Mounted;

/** What the parts of one server process share. */
export interface Serving {
  /** `now` is the store's: the same for all processes, and for what the store dates. */
  readonly clock: Clock;
  readonly ids: Ids;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly redact: Redactor;
  /** Random, one for each life of a server process. */
  readonly process: string;
  readonly flags: FlagStore;
  readonly telemetry: FlagTelemetry;
  readonly counts: Omit<Counts, 'stop'>;
  readonly snapshots: Snapshots;
  readonly streams: EventStreams;
  readonly addressOf: AddressOf;
  readonly refusals: Pick<Refusals, 'note'>;
  /** Lets a request pass whose token has one of the scopes, within its rate; 401, 403 or 429 otherwise. Sets the variable `token`. */
  allow(...scopes: readonly Scope[]): MiddlewareHandler<ServeEnv>;
  /** For a stream, which lasts longer than its request: is its token still good? Looked up again every few seconds; while the store is away, as it was. */
  stillAllowed(token: Token): Promise<boolean>;
}

/** The flags of an environment at one moment. Never changed, only replaced. */
export interface Snapshot extends StoredFlags {
  readonly environment: string;
  /** Of `set`, for convenience. */
  readonly seq: number;
}

export interface News {
  readonly before: Snapshot;
  readonly snapshot: Snapshot;
  /** All changes from `before` to `snapshot`, oldest first; null when they are not kept any more, and only the whole is known. */
  readonly changes: readonly FlagChange[] | null;
}

/**
 * What this process has in memory of the environments that were asked for. Follows the store by its notifications, and by looking once
 * a second; goes on answering while the store is away.
 */
export interface Snapshots {
  /**
   * From memory; read from the store when the environment is asked for the first time.
   * @throws SlipwayError `store_unreachable` when that was not possible, `flags_stale` when the store was away for longer than the limit
   */
  get(environment: string): Promise<Snapshot>;
  /** What is in memory. */
  peek(environment: string): Snapshot | null;
  /** Calls back after `get` answers with the newer one, in order of `seq`. Answers how to stop that. */
  subscribe(environment: string, heard: (news: News) => void): () => void;
  /** How long ago the store was last seen to have nothing newer than what is in memory; 0 when it was within its usual second. */
  behindMs(): Duration;
}

/** Streams of server-sent events, written without a copy for each client. */
export interface EventStreams {
  /**
   * Begins one: 200, the headers of a stream, and `pageHeaders`. A comment goes out every 15 s without an
   * event. A client that does not read is cut off when 1 MiB waits for it. `closed` is called once, whoever ended it.
   * The handler returns `response`.
   * @param token that the stream is opened with
   * @throws Later `too_many_streams`, before anything was begun
   */
  open(
    context: Context<ServeEnv>,
    token: Pick<Token, 'scopes'>,
    closed: () => void,
  ): { readonly stream: EventStream; readonly response: Response };
}

export interface EventStream {
  /** Whole frames, `\n\n` at their end; one Buffer may go to all streams. Nothing happens on a stream that has ended. */
  send(frames: string | Buffer): void;
  end(): void;
}
