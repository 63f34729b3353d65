import type { Check, Duration, Instant, JsonObject, Verdict } from '../../kernel/pure.ts';
import type { Plan, Step } from './plan.ts';
import type { Serving } from './serving.ts';

/** How a release ended. `unchanged`: it stopped before it changed anything. */
export type Outcome = 'released' | 'rolled-back' | 'unchanged' | 'accepted';

/** The raw log of one try of one step. */
export interface StepLog {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** How long a rollback took against the target declared before it; missing the target fails that gate. */
export interface RollbackTime {
  readonly tookMs: Duration;
  readonly targetMs: Duration;
  readonly verdict: 'pass' | 'fail';
}

/** Each kind of event with the data it carries. Adding a kind or an optional field is compatible; changing one is not. */
export interface EventData {
  'release.requested': {
    readonly plan: Plan;
    readonly wait: boolean;
    readonly previousLedger: { readonly release: string; readonly size: number; readonly head: string } | null;
  };
  'lock.waiting': { readonly owner: string };
  /** `from`: the release that ended and handed the key on. */
  'lock.acquired': { readonly key: string; readonly from?: string };
  /** Planned again after waiting for the lock, for what serves now; null when it makes no sense any more, or what it would bring serves already. */
  'release.planned': { readonly plan: Plan | null; readonly reason: string; readonly alreadyServes?: true };
  'driver.claimed': { readonly driver: string; readonly fence: number; readonly takeover: boolean };
  'step.intended': { readonly step: string; readonly stage: string; readonly attempt: number; readonly key: string };
  'step.finished': {
    readonly step: string;
    readonly stage: string;
    readonly attempt: number;
    readonly verdict: Verdict;
    readonly reason: string;
    /** True when trying again may help (a peer was away), false when the answer stands. */
    readonly retry: boolean;
    readonly startedAt: string;
    readonly finishedAt: string;
    readonly checks: readonly Check[];
    readonly facts: JsonObject;
    readonly log: StepLog | null;
  };
  'step.interrupted': { readonly step: string; readonly attempt: number };
  'step.skipped': { readonly step: string; readonly stage: string; readonly reason: string };
  'pause.requested': { readonly reason: string };
  'resume.requested': { readonly reason: string };
  'abort.requested': { readonly reason: string };
  'rollback.requested': { readonly reason: string; readonly acceptDataLoss: boolean };
  /** A person closes a stuck release as it stands. */
  'stuck.accepted': { readonly reason: string };
  /** A person ends the checkpoint the release was held at when they asked, or all that are left (`step` null). */
  'promote.requested': { readonly reason: string; readonly step: string | null };
  'approval.given': { readonly decision: 'approve' | 'reject'; readonly reason: string };
  'rollback.started': {
    readonly cause: string;
    readonly steps: readonly Step[];
    readonly skipped: readonly { readonly step: string; readonly reason: string }[];
  };
  'release.stuck': { readonly step: string | null; readonly reason: string };
  'release.finished': {
    readonly outcome: Outcome;
    readonly reason: string;
    readonly rollback?: RollbackTime;
    /** Of a release that was accepted as it stands: who users are on. */
    readonly serves?: Serving;
  };
}

export type EventType = keyof EventData;

/** An event about to be recorded. */
export type NewEvent = { readonly [T in EventType]: { readonly type: T; readonly data: EventData[T] } }[EventType];

/** An event read back from the ledger. */
export type ReleaseEvent = NewEvent & { readonly seq: number; readonly time: Instant; readonly actor: string };
