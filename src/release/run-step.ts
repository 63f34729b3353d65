import { dirname } from 'node:path';
import { commandsRunIn, messageOf, SlipwayError, toIso, redactDeep, type Clock, type Duration, type Effects } from '../kernel/index.ts';
import type { NewEvent, ReleaseEvent } from './core/events.ts';
import type { Plan, Step } from './core/plan.ts';
import { mayPass } from './may-pass.ts';
import type { StepExecutor, StepOutcome } from './ports.ts';
import { openStepLog, type OpenStepLog } from './step-log.ts';

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
  /** Aborted when a step that only waits should end its wait. */
  readonly asked: AbortSignal;
}

/** The longest a timer can wait; Node fires longer ones at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const LOOK_MS = 20;

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
  const outcome = await perform(one, executor, effects, log).catch((error: unknown) => {
    log.finish();
    throw error;
  });
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

async function perform(one: StepTry, executor: StepExecutor | undefined, effects: Effects, log: OpenStepLog): Promise<StepOutcome> {
  if (executor === undefined) return noExecutor(one.step);
  const { note, commandLog, take } = log;
  // Ends with the step, so that nothing of it stays behind in a worker that runs thousands.
  const over = new AbortController();
  const timeUp = abortAfter(one.step.timeoutMs, effects.clock, over.signal);
  const signal = AbortSignal.any([one.signal, timeUp]);
  try {
    const act = async (): Promise<StepOutcome> => {
      await earlierCommandsEnded(dirname(commandLog), effects.clock, signal);
      return executor({ ...one, signal, effects, note, commandLog, takeCommandLog: take });
    };
    return await Promise.race([act(), whenOverdue(signal, effects.clock, over.signal)]);
  } catch (error) {
    // Losing the lease ends the drive, not the step: whoever took over records what became of it.
    if (error instanceof SlipwayError && error.code === 'fenced') throw error;
    if (one.signal.reason instanceof SlipwayError && one.signal.reason.code === 'fenced') throw one.signal.reason;
    if (timeUp.aborted) return { verdict: 'unknown', reason: `it took longer than ${one.step.timeoutMs / 1_000} s and was stopped` };
    if (one.signal.aborted) return { verdict: 'unknown', reason: `stopped: ${messageOf(one.signal.reason)}` };
    return refused(error);
  } finally {
    over.abort();
  }
}

function refused(error: unknown): StepOutcome {
  if (!(error instanceof SlipwayError)) return { verdict: 'unknown', reason: `internal error: ${messageOf(error)}` };
  return { verdict: 'unknown', reason: `${error.message} (${error.code}). ${error.hint}`, retry: mayPass(error) };
}

function noExecutor(step: Step): StepOutcome {
  return { verdict: 'unknown', reason: `this build of Slipway does not know the step kind "${step.kind}"` };
}

/** The guard of a worker that died is still ending its command: nothing begins beside that. */
async function earlierCommandsEnded(folder: string, clock: Clock, signal: AbortSignal): Promise<void> {
  while (commandsRunIn(folder)) {
    signal.throwIfAborted();
    await clock.sleep(LOOK_MS, signal);
  }
}

/** Aborts after `ms`, unless the step is over before. */
function abortAfter(ms: Duration, clock: Clock, over: AbortSignal): AbortSignal {
  const timeUp = new AbortController();
  void clock.sleep(Math.min(ms, MAX_TIMER_MS), over).then(() => {
    if (!over.aborted) timeUp.abort();
  });
  return timeUp.signal;
}

/** Rejects some time after the signal, for an executor that does not listen. */
async function whenOverdue(signal: AbortSignal, clock: Clock, over: AbortSignal): Promise<never> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true, signal: over }));
  await clock.sleep(STOP_WITHIN_MS, over);
  throw new Error('the step did not stop when told to');
}
