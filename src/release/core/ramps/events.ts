import type { Tick } from '../../../analysis/pure.ts';
import type { Check, Instant, Verdict } from '../../../kernel/pure.ts';
import type { SourceMemory } from '../canary-sources.ts';
import type { RampOutcome, RampPlan } from './ramp.ts';

/** Each kind of event with the data it carries. Adding a kind or an optional field is compatible; changing one is not. */
export interface RampEventData {
  'ramp.started': { readonly plan: RampPlan };
  /** The flag will be changed for this step, from this revision. */
  'step.begun': { readonly index: number; readonly revision: number; readonly why: string };
  /** It is as the step wants it, at this revision; `changed` false where it was so. */
  'step.set': { readonly index: number; readonly revision: number; readonly changed: boolean };
  /** The gate was asked once: what its sources gave, and what it says. */
  'step.looked': {
    readonly verdict: Verdict;
    readonly reason: string;
    readonly checks: readonly Check[];
    readonly tick: Tick | null;
    readonly memory: SourceMemory;
  };
  /** By itself: somebody else changed the flag. */
  'ramp.paused': { readonly reason: string; readonly revision: number };
  'pause.requested': { readonly reason: string };
  'resume.requested': { readonly reason: string };
  /** To the step before, and wait there. */
  'back.requested': { readonly reason: string };
  'cancel.requested': { readonly reason: string };
  /** A person ends the step the ramp was at when they asked. */
  'promote.requested': { readonly reason: string; readonly index: number };
  'reverse.begun': { readonly reason: string };
  'ramp.ended': { readonly outcome: RampOutcome; readonly reason: string };
}

export type RampEventType = keyof RampEventData;

/** An event about to be recorded. */
export type NewRampEvent = { readonly [T in RampEventType]: { readonly type: T; readonly data: RampEventData[T] } }[RampEventType];

/** An event read back. */
export type RampEvent = NewRampEvent & { readonly seq: number; readonly time: Instant; readonly actor: string };
