import type { Flag, FlagSet, Segment } from '../../packages/flags/src/core/definition.ts';
import type { Duration, Instant } from '../kernel/index.ts';
import type { ExpiryNotice } from './core/notice.ts';
import type { Token } from './token-ports.ts';

export type * from './token-ports.ts';

/** What happened, as the history names it. `kill` and `undo-kill` are what the kill switch did. Some write no flag: a `restore` begins another history, by `server-gone` a person said that a silent server process has ended, and from `reasons-required` to `reasons-optional` each change must say why. */
export type FlagAction =
  | 'create'
  | 'change'
  | 'delete'
  | 'kill'
  | 'undo-kill'
  | 'import'
  | 'ramp'
  | 'release'
  | 'restore'
  | 'server-gone'
  | 'reasons-required'
  | 'reasons-optional';

/** One flag or segment as it was and as it is; null: it was not there, or is gone. */
export type FlagWrite =
  | { readonly kind: 'flag'; readonly key: string; readonly before: Flag | null; readonly after: Flag | null }
  | { readonly kind: 'segment'; readonly key: string; readonly before: Segment | null; readonly after: Segment | null };

/** A change of one environment, whole: all of its writes happen or none. The history is these, and so are the deltas that clients are sent. */
export interface FlagChange {
  readonly environment: string;
  /** One more than the change before it. */
  readonly seq: number;
  /** By the database's clock. */
  readonly at: Instant;
  readonly actor: string;
  readonly reason: string;
  readonly action: FlagAction;
  /** Every client is asked to say that it has applied it. */
  readonly acknowledge: boolean;
  readonly writes: readonly FlagWrite[];
}

/** A change that is wanted. A write names the revision it was made from (null: there must be none), so that nobody's change is lost. */
export interface WantedChange {
  readonly environment: string;
  readonly actor: string;
  readonly reason: string;
  readonly action: FlagAction;
  readonly acknowledge: boolean;
  readonly writes: readonly WantedWrite[];
}

export type WantedWrite =
  /** Made to whatever the flag says when its turn comes: nobody who changes it at the same time can be quicker. */
  | {
      readonly kind: 'flag';
      readonly key: string;
      readonly revision: 'newest';
      /** `since`: changes of the flag after the revision that the writer knows, the oldest first. What it throws is the answer. */
      readonly after: (flag: Flag, since: readonly FlagChange[]) => Flag;
      readonly knows?: number;
    }
  | { readonly kind: 'flag'; readonly key: string; readonly revision: number | null; readonly after: Flag | null }
  | { readonly kind: 'segment'; readonly key: string; readonly revision: number | null; readonly after: Segment | null };

/** The flags of an environment with the revision (the `seq` of the last change) of each. */
export interface StoredFlags {
  readonly set: FlagSet;
  readonly flagRevisions: ReadonlyMap<string, number>;
  readonly segmentRevisions: ReadonlyMap<string, number>;
  /** Of which past: another one after the store was restored from a backup, so that a `seq` means another change. Empty: nobody wrote. */
  readonly history: string;
}

/** Flags in the store. Two implementations would pass one contract suite; there is PostgreSQL. */
export interface FlagStore {
  /** Environments that have, or had, flags. */
  environments(): Promise<readonly string[]>;
  /** Empty, with `seq` 0, for an environment that nobody wrote to. One consistent moment. */
  read(environment: string): Promise<StoredFlags>;
  /**
   * Commits a change and tells every process of it (`NOTIFY`), in one transaction. Changes of one environment are ordered.
   * @throws SlipwayError `flag_conflict` when a write was made from another revision than there is, `flag_exists` when there is one of what is
   *   made, `not_found` when it is to the newest of none, `reason_missing` where the environment needs a reason and there is none
   */
  commit(change: WantedChange): Promise<FlagChange>;
  /**
   * The same for a change that was found right beside everything else there was at `seq`. Null, and nothing is written, when anything was
   * committed since: two changes that are right by themselves may be wrong together.
   */
  commitChecked(seq: number, change: WantedChange): Promise<FlagChange | null>;
  /**
   * Changes after `seq`, oldest first, without a gap; null where the oldest of them is not kept any more, and where `history` is another
   * one (left out: whichever it is).
   */
  changesSince(environment: string, seq: number, history?: string): Promise<readonly FlagChange[] | null>;
  /** Newest first: each change that is among the newest `each` of any of these keys, of flags or segments. */
  newestOf(environment: string, keys: readonly string[], each: number): Promise<readonly FlagChange[]>;
  /** Newest first. */
  history(environment: string, query: HistoryQuery): Promise<readonly FlagChange[]>;
  /**
   * Begins another history, far above the numbers that clients may know, after the store was put back from a backup: what they know by a
   * number is not taken for what has it now. Recorded as a change that writes nothing. Null for an environment that nobody wrote to.
   */
  restored(environment: string, by: { readonly actor: string; readonly reason: string }): Promise<FlagChange | null>;
  /** Whether each change of an environment must say why. */
  needsReasons(environment: string): Promise<boolean>;
  /** Lets each change of an environment need a reason, or not any more. Recorded as a change that writes nothing; null: it is so already. */
  requireReasons(
    environment: string,
    required: boolean,
    by: { readonly actor: string; readonly reason: string },
  ): Promise<FlagChange | null>;
  /** By the clock that the times of changes are of. */
  now(): Promise<Instant>;
  /** Calls back when something was committed, with null when something may have been missed. Answers how to stop that. */
  subscribe(heard: (environment: string | null) => void): () => void;
}

export interface HistoryQuery {
  readonly key?: string;
  readonly before?: number;
  readonly limit: number;
}

/** Counts under this name are of all flags at once; no flag has it. */
export const ALL_FLAGS = { flag: '', variant: '' } as const;

/** How often a variant was served within an hour that begins at `hour`. */
export interface FlagCount {
  readonly environment: string;
  readonly flag: string;
  readonly variant: string;
  readonly hour: Instant;
  readonly count: number;
}

/** Where a client's stream comes from, for whoever has to find the client. */
export interface ClientOrigin {
  /** Of the client, or of the proxy before the server. */
  readonly address: string;
  readonly token: Pick<Token, 'id' | 'description'>;
}

/** A client that is connected, or was refused a stream, and did not acknowledge; nothing was heard of it since `since`. */
export interface StaleClient {
  readonly client: string;
  readonly since: Instant;
  /** Its server process had no place for a stream: it asks again by then, and has a change that is older. */
  readonly comesBy?: Instant;
  /** Null: its server process, of an older build, did not say. */
  readonly from: ClientOrigin | null;
}

/** What a server process knows of the clients that are connected to it. */
export interface Reach {
  readonly environment: string;
  /** Random, one for each life of a server process. */
  readonly process: string;
  /** The past that `inMemory` and `seq` are of. */
  readonly history: string;
  /** Newest change this process knows of, acknowledged or not. */
  readonly inMemory: number;
  /** Those that were refused a stream, and are about to ask again, are among them. */
  readonly connected: number;
  /** Newest change whose acknowledgements are counted; 0: none was asked for. */
  readonly seq: number;
  readonly acknowledged: number;
  /** From the commit (database's clock) to the acknowledgement, of the clients of this process. */
  readonly p50Ms: Duration | null;
  readonly p99Ms: Duration | null;
  readonly lastMs: Duration | null;
  /** Connected clients that did not acknowledge it, a few of them. */
  readonly stale: readonly StaleClient[];
}

/** Which notices owners were told. Two processes, or one that is started again, tell each once. */
export interface NoticeStore {
  /** True: whoever asked tells it now. False: it was told, or somebody tells it at this moment. A claim without its end is free again after a while. */
  claim(notice: Pick<ExpiryNotice, 'environment' | 'flag' | 'expiresAt' | 'threshold'>): Promise<boolean>;
  sent(notice: Pick<ExpiryNotice, 'environment' | 'flag' | 'expiresAt' | 'threshold'>): Promise<void>;
}

/** What a server process said of the clients of an environment, and whether that can still be believed. */
export interface ServerReach extends Reach {
  /** Where it runs; null where a build did not say. */
  readonly host: string | null;
  readonly pid: number | null;
  /**
   * Nothing was heard of it for 10 s, by the database's clock: it was killed, or its way to the store is cut, and then it may go on
   * answering what it knew before. `until`: from then on it answers no more by itself. Null: it is heard.
   */
  readonly silent: { readonly since: Instant; readonly until: Instant } | null;
  /**
   * It answers no more, since `at` at the latest; what it said is what was so at its end, and of those that it named, of whoever is not
   * connected elsewhere by now. They may go on with what they knew until they are, which is `until` at the latest for whoever can come
   * back. Null: it may answer. `isOver`: that has passed. `named`: they were, so that nobody counts who is connected elsewhere.
   */
  readonly ended: { readonly at: Instant; readonly until: Instant; readonly isOver: boolean; readonly named: boolean } | null;
}

/** A process of `slipway serve` that may answer, or ended a moment ago. */
export interface FlagServer extends Pick<ServerReach, 'process' | 'host' | 'pid' | 'silent'> {
  readonly ended: { readonly at: Instant; readonly until: Instant } | null;
  /** Public keys that it tells clients; it signs flags with the first. Null: a build did not say. */
  readonly keys: readonly string[] | null;
  readonly heardAt: Instant;
  /** Connected when it was heard last. */
  readonly clients: number;
}

/** A client has applied a change, and said so to another process than the one its stream comes from. */
export interface Acknowledgement {
  /** The one that its stream comes from. */
  readonly process: string;
  readonly environment: string;
  /** The past that `seq` is of. */
  readonly history: string;
  readonly client: string;
  readonly seq: number;
  /** When it was told. */
  readonly at: Instant;
}

/** A client that was connected to a server process when that was told to end. */
export interface LeftClient {
  readonly environment: string;
  readonly client: string;
  /** It had the change whose acknowledgements were counted. */
  readonly acknowledged: boolean;
  /** Under this name. One that had several is waited for as if it never came back: nobody could say whether all of them did. */
  readonly streams: number;
}

/** What server processes tell each other and the command line. */
export interface FlagTelemetry {
  /**
   * Says that a process of this host serves flags: before it answers anything, and again every few seconds. `limitMs` is its own promise
   * to answer no more when it could not say so for that long. Answers the database's time, and since when it is known without a break:
   * another time than before says that it was taken off the list meanwhile.
   */
  present(server: {
    readonly process: string;
    readonly limitMs: Duration;
    /** That it signs flags with, the first, and tells clients. */
    readonly keys?: readonly string[];
  }): Promise<{ readonly at: Instant; readonly registered: Instant }>;
  /** It answers no more: nothing that it said is left, or, where clients were connected to it, left for long. */
  leave(process: string): Promise<void>;
  /** Those of {@link reach} that may answer, or ended within a minute, of all environments together, the longest there first. */
  servers(): Promise<readonly FlagServer[]>;
  /**
   * Believes a person that a silent process has ended: from now on it is as one that was seen to have, and the history of every environment
   * says who said so. If it comes back it registers anew. One that is `heard`, or has `ended` (or never was), is left as it is.
   */
  forget(process: string, by: { readonly actor: string; readonly reason: string }): Promise<'forgotten' | 'heard' | 'ended'>;
  count(counts: readonly FlagCount[]): Promise<void>;
  /** Sums over the hours since `since`, by flag and variant, with the last hour something was counted in. */
  counted(
    environment: string,
    since: Instant,
  ): Promise<readonly { readonly flag: string; readonly variant: string; readonly count: number; readonly lastAt: Instant }[]>;
  /** Leaves acknowledgements for the processes that they are for; of each client the last one, and none for a process that may not answer any more. */
  relay(told: readonly Acknowledgement[]): Promise<void>;
  /** Takes what others left for this process. */
  relayed(process: string): Promise<readonly Acknowledgement[]>;
  /**
   * Writes what a process knows that is present. In the same moment those of `back` are waited for no more that a process left when it
   * ended: they are connected, and in `reach`.
   */
  report(reach: Reach, back?: readonly string[]): Promise<void>;
  /** Names those that a process has when it is told to end: once it has, each is waited for until it is connected to another one. */
  handOver(process: string, clients: readonly LeftClient[]): Promise<void>;
  /** Who is waited for at the moment that other processes had. */
  awaited(process: string): Promise<readonly Pick<LeftClient, 'environment' | 'client'>[]>;
  /**
   * Of every server process that may answer: none is left out until it left, its own limit has passed, or it is seen to have ended on this
   * host; then it is there as ended for a minute more, where clients were connected to it, with those of them that are waited for; and longer, as over, while a kill stands that some of them missed. One that said nothing of the environment, or follows another history than the store's, is as one that knows of no change.
   */
  reach(environment: string): Promise<readonly ServerReach[]>;
}
