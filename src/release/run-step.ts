import { messageOf, SlipwayError, toIso, redactDeep, type Effects, type ErrorCode } from '../kernel/index.ts';
import type { NewEvent, ReleaseEvent } from './core/events.ts';
import type { Plan, Step } from './core/plan.ts';
import type { StepExecutor, StepOutcome } from './ports.ts';
import { openStepLog } from './step-log.ts';

/** One try of one step, as decided by the state machine. */
export interface StepTry {
  readonly plan: Plan;
  readonly step: Step;
  readonly attempt: number;
  readonly key: string;
  readonly fence: number;
  readonly events: readonly ReleaseEvent[];
  /** Aborted when the lease is lost or a person stops the release. */
  readonly signal: AbortSignal;
}

/** A peer that is away may be back in a moment. */
const MAY_PASS: ReadonlySet<ErrorCode> = new Set(['agent_unreachable', 'database_unreachable', 'store_unreachable', 'disk_full', 'port_in_use']);

/** How long an executor may take to notice that it was told to stop. */
const STOP_WITHIN_MS = 30_000;

/**
 * Runs a step and returns the event that records its outcome. An executor that throws, is unknown to this build, runs
 * out of time or is stopped answers `unknown`: nobody saw what became of it.
 */
export async function runStep(one: StepTry, executor: StepExecutor | undefined, effects: Effects, logFolder: string): Promise<NewEvent> {
  const { step, attempt } = one;
  const startedAt = toIso(effects.clock.now());
  const order = one.events.filter((event) => event.type === 'step.intended').length - 1;
  const log = await openStepLog(logFolder, order, `${step.id}-${attempt}`, effects.redact);
  log.note(`${step.id}, attempt ${attempt}: ${step.title}`);
  const outcome = executor === undefined ? noExecutor(step) : await perform(one, executor, effects, log);
  for (const check of outcome.checks ?? []) log.note(`${check.verdict}: ${check.name}: ${check.reason}`);
  log.note(`${outcome.verdict}: ${outcome.reason}`);
  const data = {
    step: step.id,
    stage: step.stage,
    attempt,
    verdict: outcome.verdict,
    reason: outcome.reason,
    retry: outcome.retry ?? false,
    startedAt,
    finishedAt: toIso(effects.clock.now()),
    checks: outcome.checks ?? [],
    facts: outcome.facts ?? {},
    log: log.finish(),
  };
  return { type: 'step.finished', data: redactDeep(data, effects.redact) };
}

async function perform(one: StepTry, executor: StepExecutor, effects: Effects, log: Awaited<ReturnType<typeof openStepLog>>): Promise<StepOutcome> {
  const timeUp = AbortSignal.timeout(one.step.timeoutMs);
  const signal = AbortSignal.any([one.signal, timeUp]);
  const { note, commandLog, take } = log;
  const running = executor({ ...one, signal, effects, note, commandLog, takeCommandLog: take });
  try {
    return await Promise.race([running, whenOverdue(signal)]);
  } catch (error) {
    // Losing the lease ends the drive, not the step: whoever took over records what became of it.
    if (error instanceof SlipwayError && error.code === 'fenced') throw error;
    if (one.signal.reason instanceof SlipwayError && one.signal.reason.code === 'fenced') throw one.signal.reason;
    if (timeUp.aborted) return { verdict: 'unknown', reason: `it took longer than ${one.step.timeoutMs / 1_000} s and was stopped` };
    if (one.signal.aborted) return { verdict: 'unknown', reason: `stopped: ${messageOf(one.signal.reason)}` };
    return refused(error);
  }
}

function refused(error: unknown): StepOutcome {
  if (!(error instanceof SlipwayError)) return { verdict: 'unknown', reason: `internal error: ${messageOf(error)}` };
  return { verdict: 'unknown', reason: `${error.message} (${error.code}). ${error.hint}`, retry: MAY_PASS.has(error.code) };
}

function noExecutor(step: Step): StepOutcome {
  return { verdict: 'unknown', reason: `this build of Slipway does not know the step kind "${step.kind}"` };
}

/** Rejects some time after the signal, for an executor that does not listen. */
function whenOverdue(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const overdue = (): void => void setTimeout(() => reject(new Error('the step did not stop when told to')), STOP_WITHIN_MS).unref();
    if (signal.aborted) overdue();
    else signal.addEventListener('abort', overdue, { once: true });
  });
}
