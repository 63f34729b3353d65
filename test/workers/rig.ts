import { systemClock, systemIds, type Clock, type Effects, type JsonObject } from '../../src/kernel/index.ts';
import type {
  DriverDeps,
  LeaseTerms,
  NewEvent,
  Plan,
  ReleaseStore,
  Step,
  StepContext,
  StepOutcome,
  StoredRelease,
} from '../../src/release/index.ts';
import { thisDriver } from '../../src/store/index.ts';
import { aPlan } from '../support/plan.ts';

/** What the steps of a plan do, by step id; a step without a script passes. */
export type Scripts = Readonly<Record<string, (context: StepContext) => Promise<StepOutcome> | StepOutcome>>;

export const PASS: StepOutcome = { verdict: 'pass', reason: 'scripted' };
export const FAIL: StepOutcome = { verdict: 'fail', reason: 'scripted' };

/** Short enough that a lost lease is noticed within a test. */
const QUICK: LeaseTerms = { leaseMs: 3_000, renewMs: 50, marginMs: 500 };

/** One step of a scripted plan. */
export function aStep(id: string, changes: Partial<Step> = {}): Step {
  return {
    id,
    stage: 'deploy',
    kind: 'command',
    title: id,
    input: {},
    timeoutMs: 60_000,
    attempts: 1,
    retryDelayMs: 10,
    onInterrupt: 'rerun',
    repeat: null,
    skip: null,
    approvals: 0,
    ...changes,
  };
}

let planned = 0;

/** A plan of these steps for a service of its own; `change.x` steps are undone by `rollback.x`. */
export function scriptedPlan(steps: readonly Step[], changes: Partial<Plan> = {}): Plan {
  planned += 1;
  const undoable = steps.filter((step) => step.id.startsWith('change.'));
  const undo = Object.fromEntries(
    undoable.map((step) => [step.id, [aStep(step.id.replace('change.', 'rollback.'), { stage: 'rollback' })]]),
  );
  return {
    ...aPlan(),
    release: systemIds.release(systemClock.now()),
    service: `service-${planned}`,
    node: 'here:/state',
    requestedBy: 'ann',
    steps,
    undo,
    reSmoke: [],
    ...changes,
  };
}

export interface WorkerOptions {
  readonly id: string;
  readonly home: string;
  readonly scripts?: Scripts;
  readonly lease?: LeaseTerms;
  readonly clock?: Clock;
  /** Called at every fault point. */
  readonly at?: (point: string) => void;
}

/** A worker whose steps are scripted, on a real store. */
export function scriptedWorker(
  store: ReleaseStore,
  { id, home, scripts = {}, lease = QUICK, clock = systemClock, at = () => undefined }: WorkerOptions,
): DriverDeps {
  const effects: Effects = { ...plainEffects(clock), faults: { at } };
  const run = async (context: StepContext): Promise<StepOutcome> => (await scripts[context.step.id]?.(context)) ?? PASS;
  return {
    store,
    effects,
    driver: thisDriver(id),
    lease,
    home,
    executors: { command: run, build: run },
    replan: async (plan) => plan,
    seal: async () => 'sealed',
    tidy: async () => undefined,
  };
}

/** Effects of a test that starts no commands. */
export function plainEffects(clock: Clock): Effects {
  return {
    clock,
    ids: systemIds,
    faults: { at: () => undefined },
    exec: () => Promise.reject(new Error('no command is run here')),
    log: () => undefined,
    redact: (text) => text,
  };
}

/** Resolves when the step is told to stop, with what a well-behaved executor answers then. */
export async function untilStopped({ signal }: StepContext): Promise<StepOutcome> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return { verdict: 'unknown', reason: 'told to stop' };
}

/** A gate that a script waits at. */
export function gate(): { readonly reached: Promise<void>; readonly open: () => void; readonly pass: () => Promise<void> } {
  let reach = (): void => undefined;
  let open = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  return {
    reached,
    open: () => open(),
    pass: async () => {
      reach();
      await opened;
    },
  };
}

/** The ledger as `type` or `type step verdict`, without who drove. */
export function story({ events }: StoredRelease): readonly string[] {
  return events.slice(1).flatMap((event) => {
    const data = event.data as JsonObject;
    if (event.type === 'driver.claimed') return [];
    return [[event.type, data['step'], data['verdict'], data['outcome']].filter((part) => typeof part === 'string').join(' ')];
  });
}

/** What a person may ask for. */
export const ask = {
  abort: { type: 'abort.requested', data: { reason: 'wrong version' } },
  pause: { type: 'pause.requested', data: { reason: 'lunch' } },
  resume: { type: 'resume.requested', data: { reason: 'repaired' } },
  rollback: { type: 'rollback.requested', data: { reason: 'users complain', acceptDataLoss: false } },
  accept: { type: 'stuck.accepted', data: { reason: 'done by hand' } },
  approve: { type: 'approval.given', data: { decision: 'approve', reason: 'looks good' } },
  reject: { type: 'approval.given', data: { decision: 'reject', reason: 'not on a Friday' } },
} as const satisfies Record<string, NewEvent>;
