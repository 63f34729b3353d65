import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { attempt as call } from './attempt.ts';
import { createContext, runInContext } from './context.ts';
import type { Drainable } from './shutdown.ts';
import type { Service } from './types.ts';
import { type JobCounters, createJobCounters } from './worker-metrics.ts';

export interface Job<T = unknown> {
  /** The same for every attempt, here and after a release: the key under which its effects happen once. */
  readonly id: string;
  readonly data: T;
  /** What an earlier attempt saved. */
  readonly checkpoint?: unknown;
  /** The trace it belongs to, when whoever queued it passed `traceHeaders()` along. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface JobContext {
  /** Aborts when the process must leave: save a checkpoint, then throw or return. */
  readonly signal: AbortSignal;
  /** 1 for the first. */
  readonly attempt: number;
  readonly idempotencyKey: string;
  /** The last saved checkpoint, of this attempt or an earlier one. */
  readonly checkpoint: () => unknown;
  /** Remembers how far the job has come, in the queue too when it can. */
  readonly save: (checkpoint: unknown) => Promise<void>;
}

/** The queue, as far as a worker must know it. Every method may be called twice for one job, after a crash. */
export interface JobSource<T> {
  /** The next job, or null when there is none now. */
  readonly take: (signal: AbortSignal) => Promise<Job<T> | null>;
  readonly done: (job: Job<T>) => Promise<void>;
  /** Back to the queue: the process leaves. The next worker goes on from the checkpoint. */
  readonly release: (job: Job<T>, checkpoint: unknown) => Promise<void>;
  /** No attempt worked. */
  readonly fail: (job: Job<T>, error: unknown) => Promise<void>;
  readonly save?: (job: Job<T>, checkpoint: unknown) => Promise<void>;
}

export interface WorkerOptions<T> {
  readonly name: string;
  /** Does the job. Must do no harm when run twice with one idempotency key. */
  readonly handle: (job: Job<T>, context: JobContext) => unknown;
  /** Where jobs come from; leave it out when the queue's own library calls `run`. */
  readonly source?: JobSource<T>;
  /** Jobs at once (default 1). */
  readonly concurrency?: number;
  /** Default 3. */
  readonly attempts?: number;
  /** Before the second attempt, doubled for each further one, in milliseconds (default 200). */
  readonly backoffMs?: number;
  /** How long to wait when the queue was empty (default 200). */
  readonly idleMs?: number;
  /** In a shutdown: how long jobs may go on before they are asked to save and leave (default 3000). */
  readonly finishMs?: number;
  /** And how long they then have (default 2000). Both must fit into the shutdown's drainMs. */
  readonly leaveMs?: number;
}

export interface Worker<T> {
  /** Takes jobs until a shutdown begins. Needs a source. */
  start(): void;
  /**
   * Does one job, with attempts and checkpoints.
   * @throws JobReleased when the process leaves before it is done, or the last attempt's error
   */
  run(job: Job<T>): Promise<void>;
  /** Stops taking, lets jobs finish or leave. A shutdown does this by itself. */
  drain(): Promise<void>;
  readonly running: () => number;
}

/** The job was not done because the process leaves: give it to somebody else, with this checkpoint. */
export class JobReleased extends Error {
  override readonly name = 'JobReleased';
  readonly checkpoint: unknown;

  constructor(id: string, checkpoint: unknown, options?: ErrorOptions) {
    super(`job ${id} goes back to the queue, the process is leaving`, options);
    this.checkpoint = checkpoint;
  }
}

interface Signals {
  /** Aborts when nothing new may be taken. */
  readonly stop: AbortController;
  /** Aborts when jobs must save and leave. */
  readonly leave: AbortController;
  /** Aborts when nobody waits any longer. */
  readonly over: AbortController;
}

/** True when `work` ended first, false when the signal aborted first. */
async function endedBefore(signal: AbortSignal, work: Promise<unknown>): Promise<boolean> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<false>((resolve) => {
    onAbort = () => resolve(false);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) resolve(false);
  });
  try {
    return await Promise.race([work.then(() => true), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);

/** Attempts until one works, none is left, or the process leaves. */
async function attempts<T>(options: WorkerOptions<T>, signals: Signals, job: Job<T>, log: Service['log']): Promise<void> {
  const { handle, source, attempts: most = 3, backoffMs = 200 } = options;
  // One of its own: whatever a job hangs on it goes away with the job.
  const signal = AbortSignal.any([signals.leave.signal]);
  let checkpoint = job.checkpoint;
  const context = {
    signal,
    idempotencyKey: job.id,
    checkpoint: () => checkpoint,
    save: async (value: unknown) => {
      checkpoint = value;
      await source?.save?.(job, value);
    },
  };
  for (let attempt = 1; ; attempt += 1) {
    if (signals.stop.signal.aborted && (attempt > 1 || signal.aborted)) throw new JobReleased(job.id, checkpoint);
    try {
      const work = call(handle, job, { ...context, attempt });
      // Whoever ignores the signal is left behind: another worker gets the job, and the key keeps it from happening twice.
      if (await endedBefore(signals.over.signal, work)) return;
      throw new JobReleased(job.id, checkpoint);
    } catch (error) {
      if (error instanceof JobReleased) throw error;
      if (signal.aborted) throw new JobReleased(job.id, checkpoint, { cause: error });
      if (attempt >= most) throw error;
      log.warn({ err: error, job: job.id, attempt }, 'job failed, trying again');
    }
    await pause(backoffMs * 2 ** (attempt - 1), signals.stop.signal);
  }
}

/** One slot of a pulling worker: take, run, tell the queue. A queue that cannot be reached is asked again later. */
async function pull<T>(options: WorkerOptions<T>, source: JobSource<T>, stop: AbortSignal, parts: Pulling<T>): Promise<void> {
  const { idleMs = 200 } = options;
  while (!stop.aborted) {
    try {
      const job = await source.take(stop);
      if (job === null) await pause(idleMs, stop);
      else await settle(source, job, parts.run(job));
    } catch (error) {
      if (!stop.aborted) parts.log.error({ err: error, worker: options.name }, 'the queue failed');
      await pause(idleMs, stop);
    }
  }
}

interface Pulling<T> {
  readonly run: (job: Job<T>) => Promise<void>;
  readonly log: Service['log'];
}

async function settle<T>(source: JobSource<T>, job: Job<T>, running: Promise<void>): Promise<void> {
  const failure = await running.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  if (failure === null) await source.done(job);
  else if (failure.error instanceof JobReleased) await source.release(job, failure.error.checkpoint);
  else await source.fail(job, failure.error);
}

const FINISH_MS = 3_000;
const LEAVE_MS = 2_000;

function checkLimits<T>({ name, finishMs = FINISH_MS, leaveMs = LEAVE_MS }: WorkerOptions<T>, drainMs: number): void {
  if (finishMs + leaveMs < drainMs) return;
  throw new RangeError(
    `Worker ${name} may take ${finishMs + leaveMs} ms to stop (finishMs + leaveMs), but a shutdown drains for ${drainMs} ms (shutdown.drainMs).`,
  );
}

function createDrain<T>(options: WorkerOptions<T>, signals: Signals, active: ReadonlySet<Promise<unknown>>): () => Promise<void> {
  const { finishMs = FINISH_MS, leaveMs = LEAVE_MS } = options;
  const quietWithin = async (ms: number): Promise<boolean> => {
    const late = new AbortController();
    const quiet = Promise.allSettled(active).then(() => true);
    const answer = await Promise.race([quiet, pause(ms, late.signal).then(() => false)]);
    late.abort();
    return answer;
  };
  return async () => {
    signals.stop.abort();
    if (!(await quietWithin(finishMs))) {
      signals.leave.abort(new Error('The process is leaving.'));
      await quietWithin(leaveMs);
      signals.over.abort();
    }
    // What was released is told to the queue before the drain is over.
    while (active.size > 0) await Promise.allSettled(active);
  };
}

/** A queue worker that stops as it should: takes nothing new, finishes or checkpoints what it has, and gives the rest back. */
export function createWorker<T>(service: Service, options: WorkerOptions<T>): Worker<T> {
  const { name, source, concurrency = 1 } = options;
  checkLimits(options, service.limits.drainMs);
  const counters: JobCounters = createJobCounters(service.metrics.registry);
  const signals: Signals = { stop: new AbortController(), leave: new AbortController(), over: new AbortController() };
  // One listener for each job that runs is no leak.
  setMaxListeners(0, signals.stop.signal, signals.leave.signal, signals.over.signal);
  const active = new Set<Promise<unknown>>();
  let jobs = 0;
  const keep = <R>(work: Promise<R>): Promise<R> => {
    active.add(work);
    const forget = (): void => void active.delete(work);
    work.then(forget, forget);
    return work;
  };
  const measured = async (job: Job<T>): Promise<void> => {
    const end = counters.begin(name);
    jobs += 1;
    try {
      await attempts(options, signals, job, service.log);
      end('done');
    } catch (error) {
      end(error instanceof JobReleased ? 'released' : 'failed');
      service.log.warn({ err: error, worker: name, job: job.id }, 'job not done');
      throw error;
    } finally {
      jobs -= 1;
    }
  };
  const run = (job: Job<T>): Promise<void> => {
    // A push queue may still bring one after the shutdown began.
    if (signals.stop.signal.aborted) return Promise.reject(new JobReleased(job.id, job.checkpoint));
    return keep(runInContext(createContext(job.headers), () => measured(job)));
  };
  const drain = createDrain(options, signals, active);
  service.stopping.addEventListener('abort', () => signals.stop.abort(), { once: true });
  const part: Drainable = { name: `worker ${name}`, drain, cut: () => active.size };
  service.drains(part);
  return {
    start: () => {
      if (source === undefined) throw new TypeError(`Worker ${name} has no source to take jobs from.`);
      for (let slot = 0; slot < concurrency; slot += 1) void keep(pull(options, source, signals.stop.signal, { run, log: service.log }));
    },
    run,
    drain,
    running: () => jobs,
  };
}
