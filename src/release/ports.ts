import type { Duration, Effects, Instant, JsonObject, Verdict, Check } from '../kernel/index.ts';
import type { LedgerEntry } from '../evidence/index.ts';
import type { NewEvent, ReleaseEvent, Outcome } from './core/events.ts';
import type { Plan, Step } from './core/plan.ts';

/** A worker's identity; with pid and start time, so that another worker on the same host can tell that it is dead. */
export interface Driver {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly startTicks: number | null;
}

/** The right to drive one release. `fence` grows with every claim anywhere; every effect carries it. */
export interface Claim {
  readonly release: string;
  readonly driver: string;
  readonly fence: number;
}

/** A row of `slipway list`. */
export interface ReleaseSummary {
  readonly release: string;
  readonly kind: 'release' | 'rollback';
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  readonly status: ReleaseStatus;
  readonly requestedBy: string;
  readonly requestedAt: Instant;
  readonly finishedAt: Instant | null;
  readonly driver: string | null;
  /** Until when its driver has it unless it renews, by the database's clock; null without a driver. */
  readonly leaseUntil: Instant | null;
  readonly sealed: boolean;
  /** Why the pack of a release that is over could not be written at the last try; null when it was not tried, or is sealed. */
  readonly unsealedBecause: string | null;
}

export type ReleaseStatus = 'queued' | 'running' | 'waiting' | 'paused' | 'rolling-back' | 'stuck' | Outcome;

/** Who holds a service + environment. */
export interface LockOwner {
  readonly release: string;
  readonly version: string;
  readonly status: ReleaseStatus;
  readonly owner: string;
  readonly host: string;
  readonly since: Instant;
}

/** A release as stored: its events and the canonical lines they were read from. */
export interface StoredRelease {
  readonly summary: ReleaseSummary;
  readonly events: readonly ReleaseEvent[];
  readonly entries: readonly LedgerEntry[];
}

/**
 * The durable ledger of releases with its locks and wake-ups. Event, state, lock and wake-up commit in one transaction.
 * Every method that takes a {@link Claim} throws SlipwayError `fenced` when a later claim exists.
 */
export interface ReleaseStore {
  /**
   * Records new releases (event 0 and the first wake-up of each), all of them or none. Refuses with `locked`, naming the owner, when
   * another release holds the service + environment of one and its `wait` is false.
   */
  submit(...requests: readonly { readonly plan: Plan; readonly actor: string; readonly wait: boolean }[]): Promise<void>;
  /** With `known`, what an earlier call answered, only what came since is read: a ledger only grows. */
  load(release: string, known?: StoredRelease): Promise<StoredRelease>;
  /** Takes the release for this driver: null when a live driver has it. Records `driver.claimed`. */
  claim(release: string, driver: Driver): Promise<Claim | null>;
  /** Extends the lease; false when it was taken over. */
  renew(claim: Claim): Promise<boolean>;
  /** Records events; with `expectedSize` only when the ledger still has that many (else `changed`, nothing recorded). */
  append(claim: Claim, events: readonly NewEvent[], expectedSize?: number): Promise<'recorded' | 'changed'>;
  /** Takes the service + environment for this release and records it, or records that it waits. */
  acquireLock(claim: Claim): Promise<{ readonly acquired: boolean; readonly owner: LockOwner | null }>;
  /** Gives the claim back until `wakeAt` (null: until an event), unless the ledger grew meanwhile (then `changed`). */
  park(claim: Claim, expectedSize: number, wakeAt: Instant | null): Promise<'parked' | 'changed'>;
  /** Marks the finished release's pack as sealed and gives the claim back. */
  seal(claim: Claim, checkpoint: string): Promise<void>;
  /** Notes why the finished release's pack could not be written, and gives the claim back until it is tried again. */
  postponeSeal(claim: Claim, reason: string, until: Instant): Promise<void>;
  /** Records what a person asked for and wakes the driver. */
  request(release: string, actor: string, event: NewEvent): Promise<void>;
  list(filter: { readonly service?: string; readonly environment?: string; readonly limit: number }): Promise<readonly ReleaseSummary[]>;
  /** A full id from a prefix or `latest`; throws `not_found` / `ambiguous`. */
  resolve(idOrPrefix: string, filter?: { readonly service?: string; readonly environment?: string }): Promise<string>;
  lockOf(service: string, environment: string): Promise<LockOwner | null>;
  /** The release that put the serving version there: the newest that ended `released`, or was accepted with users on its version. */
  lastServing(service: string, environment: string): Promise<StoredRelease | null>;
  /** Resolves when the release's ledger is longer than `size`, or the signal aborts. */
  changed(release: string, size: number, signal: AbortSignal): Promise<void>;
}

/** Wakes drivers. A wake-up only means "look at this release now": lost, doubled or early ones are harmless. */
export interface Wakeups {
  /** Calls `handle` for each wake-up of this worker's node, at most `slots` at a time, until `stop`. */
  work(slots: number, handle: (release: string) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** What a step answers. */
export interface StepOutcome {
  readonly verdict: Verdict;
  readonly reason: string;
  /** True when trying again may help. */
  readonly retry?: boolean;
  readonly checks?: readonly Check[];
  readonly facts?: JsonObject;
}

/** What a step may use while it runs. */
export interface StepContext {
  readonly plan: Plan;
  readonly step: Step;
  readonly attempt: number;
  /** `release/step/attempt`. */
  readonly key: string;
  readonly fence: number;
  /** The ledger so far, for facts earlier steps recorded. */
  readonly events: readonly ReleaseEvent[];
  /** Aborted when the release is aborted, the step's time is up, or the worker lost its lease. */
  readonly signal: AbortSignal;
  /** Aborted when what comes next may have changed, by a person's word or because the worker ends: a step that only waits ends its wait. */
  readonly asked: AbortSignal;
  readonly effects: Effects;
  /** Writes a redacted line to the step's raw log. */
  readonly note: (line: string) => void;
  /** Where a command's output goes while it runs; {@link StepContext.takeCommandLog} then joins it to the step's log. */
  readonly commandLog: string;
  readonly takeCommandLog: () => Promise<void>;
}

/** What running a command of slipway.yaml takes of a {@link StepContext}: all that `prove`, which has no release, can give. */
export type CommandContext = Pick<StepContext, 'effects' | 'signal' | 'note' | 'commandLog' | 'takeCommandLog'> & {
  readonly plan: Pick<Plan, 'workspace' | 'definition' | 'version' | 'release' | 'environment' | 'service'>;
};

/** What a smoke takes. */
export type SmokeContext = CommandContext & { readonly step: Pick<Step, 'stage'> };

export type StepExecutor = (context: StepContext) => Promise<StepOutcome>;

/** Lease figures; a worker stops acting `marginMs` before its lease ends. */
export interface LeaseTerms {
  readonly leaseMs: Duration;
  readonly renewMs: Duration;
  readonly marginMs: Duration;
}
