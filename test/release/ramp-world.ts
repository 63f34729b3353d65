import fc from 'fast-check';
import type { Flag } from '../../packages/flags/src/core/definition.ts';
import type { NewRampEvent, RampEvent } from '../../src/release/core/ramps/events.ts';
import { nextRamp, type RampAction, type RampFacts } from '../../src/release/core/ramps/next.ts';
import { actorOf, type RampPlan } from '../../src/release/core/ramps/ramp.ts';
import { flagAt } from '../../src/release/core/ramps/shape.ts';
import { applyRampEvent, foldRamp, type RampState } from '../../src/release/core/ramps/state.ts';
import { NO_SOURCES } from '../../src/release/core/canary-sources.ts';
import { OFF_FLAG } from '../support/flag.ts';
import { parseSteps } from '../../src/release/core/ramps/steps.ts';
import type { Verdict } from '../../src/kernel/index.ts';

const STEPS = ['off', 'internal for 1m', '1% for 1h', '10% for 10m', '50% for 10m', '100% for 5m'];

/** @throws when one is no step */
export function stepsOf(parts: readonly string[]) {
  const steps = parseSteps(parts);
  if (typeof steps === 'string') throw new Error(steps);
  return steps;
}

/** A ramp by `STEPS`, over nothing that is asked. */
export function rampPlan(changes: Partial<RampPlan> = {}): RampPlan {
  return {
    schema: 'slipway.ramp/1',
    ramp: 'r1',
    name: null,
    service: 'shop',
    environment: 'prd',
    flag: 'release_checkout',
    variant: 'on',
    internal: 'staff',
    steps: stepsOf(STEPS),
    gate: { policy: null, router: false, metrics: [], guards: [] },
    everyMs: 10_000,
    node: 'here',
    workspace: '/nowhere',
    envFile: null,
    revision: 1,
    startedBy: 'ann',
    reason: 'new checkout',
    ...changes,
  };
}

/** What may happen between two turns of the driver. */
export type Incident =
  | { readonly is: 'time'; readonly ms: number }
  | { readonly is: 'gate'; readonly verdict: Verdict }
  | { readonly is: 'wish'; readonly type: 'pause' | 'resume' | 'back' | 'cancel' | 'promote' }
  | { readonly is: 'person'; readonly does: 'edit' | 'kill' | 'delete' }
  | { readonly is: 'crash'; readonly at: 'decided' | 'acted' };

export const incidents: fc.Arbitrary<readonly Incident[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ is: fc.constant('time' as const), ms: fc.integer({ min: -600_000, max: 4_000_000 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        is: fc.constant('gate' as const),
        verdict: fc.constantFrom<Verdict>('pass', 'pass', 'pass', 'pass', 'unknown', 'fail'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        is: fc.constant('wish' as const),
        type: fc.constantFrom(
          'pause' as const,
          'resume' as const,
          'resume' as const,
          'back' as const,
          'cancel' as const,
          'promote' as const,
        ),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        is: fc.constant('person' as const),
        does: fc.constantFrom('edit' as const, 'edit' as const, 'kill' as const, 'delete' as const),
      }),
    },
    { weight: 2, arbitrary: fc.record({ is: fc.constant('crash' as const), at: fc.constantFrom('decided' as const, 'acted' as const) }) },
  ),
  { maxLength: 80 },
);

interface Stored {
  readonly flag: Flag;
  readonly revision: number;
  readonly by: string;
  readonly action: string;
}

/** One decision as it was made, for making it again. */
export interface Decided {
  readonly size: number;
  readonly facts: RampFacts;
  readonly now: number;
  readonly action: RampAction;
}

/** The world of one ramp in virtual time: its events, the flag, a gate that says what it is told to, and crashes where they are asked for. */
export class RampWorld {
  readonly events: RampEvent[] = [];
  readonly decisions: Decided[] = [];
  readonly written: { readonly by: string; readonly flag: Flag | null; readonly size: number }[] = [];
  now = Date.UTC(2026, 10, 30);
  stored: Stored | null;
  gate: Verdict = 'pass';
  private folded: RampState | null = null;
  private seq: number;
  private crashAt: 'decided' | 'acted' | null = null;

  constructor(plan: RampPlan = rampPlan(), flag: Flag = OFF_FLAG) {
    this.seq = plan.revision;
    this.stored = { flag, revision: plan.revision, by: 'ann', action: 'create' };
    this.append({ type: 'ramp.started', data: { plan } }, 'ann');
  }

  /** Folded as it grows; that a whole fold is the same is a test of its own. */
  state(): RampState {
    if (this.folded === null) this.folded = foldRamp(this.events);
    return this.folded;
  }

  append(event: NewRampEvent, actor = 'slipway'): void {
    const time = Math.max(this.now, this.events.at(-1)?.time ?? 0);
    const whole = { ...event, seq: this.events.length, time, actor };
    this.events.push(whole);
    this.folded = this.folded === null ? null : applyRampEvent(this.folded, whole);
  }

  facts(): RampFacts {
    if (this.stored === null) return { flag: null };
    const { flag, revision, by, action } = this.stored;
    return { flag: { revision, enabled: flag.enabled, by, action } };
  }

  happen(incident: Incident): void {
    switch (incident.is) {
      case 'time':
        this.now += incident.ms;
        return;
      case 'gate':
        this.gate = incident.verdict;
        return;
      case 'crash':
        this.crashAt = incident.at;
        return;
      case 'wish':
        this.wish(incident.type);
        return;
      case 'person':
        this.person(incident.does);
    }
  }

  wish(type: 'pause' | 'resume' | 'back' | 'cancel' | 'promote'): void {
    const state = this.state();
    if (state.ended !== null) return;
    if (type !== 'promote') this.append({ type: `${type}.requested`, data: { reason: 'because' } }, 'bob');
    else if (state.set !== null) this.append({ type: 'promote.requested', data: { reason: 'because', index: state.set.index } }, 'bob');
  }

  person(does: 'edit' | 'kill' | 'delete'): void {
    if (this.stored === null) return;
    const { flag } = this.stored;
    if (does === 'delete') this.write(null, 'bob', 'delete');
    else
      this.write(
        does === 'kill' ? { ...flag, enabled: false } : { ...flag, about: { ...flag.about, name: String(this.seq) } },
        'bob',
        does === 'kill' ? 'kill' : 'change',
      );
  }

  /** Turns until there is nothing to do now, or a crash. Answers how many. */
  drive(most = 40): number {
    for (let turn = 0; turn < most; turn++) {
      if (!this.turn()) return turn;
    }
    return most;
  }

  private turn(): boolean {
    const state = this.state();
    const facts = this.facts();
    const action = nextRamp(state, facts, this.now);
    this.decisions.push({ size: state.size, facts, now: this.now, action });
    if (action.do === 'wait' || action.do === 'over' || this.crash('decided')) return false;
    if (action.do === 'record') this.append(action.event);
    else if (!this.act(action, state)) return false;
    return true;
  }

  private act(action: Exclude<RampAction, { do: 'record' | 'wait' | 'over' }>, state: RampState): boolean {
    if (action.do === 'look') {
      this.append({
        type: 'step.looked',
        data: { verdict: this.gate, reason: `it says ${this.gate}`, checks: [], tick: null, memory: NO_SOURCES },
      });
      return true;
    }
    if (this.stored === null) return true;
    const { flag, revision } = this.stored;
    const actor = actorOf(state.plan.ramp);
    if (action.do === 'kill') {
      this.write({ ...flag, enabled: false }, actor, 'kill');
      return !this.crash('acted');
    }
    if (revision !== action.revision) return true;
    const step = state.plan.steps[action.index];
    if (step === undefined) throw new Error('no such step');
    this.write(flagAt(flag, state.plan, step), actor, 'ramp');
    if (this.crash('acted')) return false;
    this.append({ type: 'step.set', data: { index: action.index, revision: this.stored.revision, changed: true } });
    return true;
  }

  private crash(at: 'decided' | 'acted'): boolean {
    const strikes = this.crashAt === at;
    if (strikes) this.crashAt = null;
    return strikes;
  }

  private write(flag: Flag | null, by: string, action: string): void {
    this.seq += 1;
    this.written.push({ by, flag, size: this.events.length });
    this.stored = flag === null ? null : { flag, revision: this.seq, by, action };
  }
}
