import { describe, expect, it } from 'vitest';
import { type Job, type JobContext, JobReleased, type JobSource, type WorkerOptions, createWorker, currentContext } from '../src/index.ts';
import { type Tried, tryService } from './support.ts';

interface Queue extends JobSource<string> {
  readonly waiting: Job<string>[];
  readonly events: string[];
}

/** A queue in memory that writes down what it was told. */
function createQueue(...ids: readonly string[]): Queue {
  const waiting: Job<string>[] = ids.map((id) => ({ id, data: `data of ${id}` }));
  const events: string[] = [];
  return {
    waiting,
    events,
    take: () => Promise.resolve(waiting.shift() ?? null),
    done: async (job) => void events.push(`done ${job.id}`),
    release: async (job, checkpoint) => {
      events.push(`released ${job.id} at ${JSON.stringify(checkpoint)}`);
      waiting.push({ ...job, checkpoint });
    },
    fail: async (job, error) => void events.push(`failed ${job.id}: ${(error as Error).message}`),
  };
}

function work(source: Queue, handle: WorkerOptions<string>['handle'], options: Partial<WorkerOptions<string>> = {}) {
  const tried: Tried = tryService();
  const worker = createWorker(tried.service, {
    name: 'mail',
    source,
    handle,
    idleMs: 1,
    backoffMs: 1,
    finishMs: 20,
    leaveMs: 50,
    ...options,
  });
  worker.start();
  return { ...tried, worker };
}

const left = ({ signal }: JobContext): Promise<void> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

describe('a worker', () => {
  it('takes jobs, tells the queue, and counts them by version', async () => {
    const queue = createQueue('a', 'b');
    const seen: unknown[] = [];
    const { service } = work(queue, (job, { attempt, idempotencyKey }) => void seen.push([job.data, attempt, idempotencyKey]));
    await expect.poll(() => queue.events).toEqual(['done a', 'done b']);
    expect(seen).toEqual([
      ['data of a', 1, 'a'],
      ['data of b', 1, 'b'],
    ]);
    const text = await service.metrics.registry.metrics();
    expect(text).toContain('jobs_total{worker="mail",outcome="done",version="1.2.3"} 2');
    expect(text).toContain('jobs_in_flight{worker="mail",version="1.2.3"} 0');
    expect(text).toContain('job_duration_seconds_count{version="1.2.3",worker="mail",outcome="done"} 2');
    await service.shutdown();
  });

  it('gives the queue each checkpoint before the job goes on, so that a crash loses none', async () => {
    const queue = createQueue('a');
    const source: Queue = {
      ...queue,
      save: async (job, checkpoint) => void queue.events.push(`saved ${job.id} at ${JSON.stringify(checkpoint)}`),
    };
    const { service } = work(source, async (_job, { save }) => {
      for (const row of [10, 20]) {
        await save({ row });
        queue.events.push(`after ${row}`);
      }
    });
    await expect.poll(() => queue.events).toEqual(['saved a at {"row":10}', 'after 10', 'saved a at {"row":20}', 'after 20', 'done a']);
    await service.shutdown();
  });

  it('tries again under the same key, from the last checkpoint, and gives up after so many attempts', async () => {
    const queue = createQueue('a');
    const tries: unknown[] = [];
    const { service, lines } = work(queue, async (_job, { attempt, idempotencyKey, checkpoint, save }) => {
      tries.push([attempt, idempotencyKey, checkpoint()]);
      await save({ row: attempt * 10 });
      throw new Error('mail server is away');
    });
    await expect.poll(() => queue.events).toEqual(['failed a: mail server is away']);
    expect(tries).toEqual([
      [1, 'a', undefined],
      [2, 'a', { row: 10 }],
      [3, 'a', { row: 20 }],
    ]);
    expect(lines.filter(({ msg }) => msg === 'job failed, trying again')).toHaveLength(2);
    expect(await service.metrics.registry.metrics()).toContain('jobs_total{worker="mail",outcome="failed",version="1.2.3"} 1');
    await service.shutdown();
  });

  it('runs so many jobs at once and no more', async () => {
    const queue = createQueue('a', 'b', 'c', 'd');
    const ends: (() => void)[] = [];
    const { service, worker } = work(queue, () => new Promise<void>((resolve) => void ends.push(resolve)), { concurrency: 2 });
    await expect.poll(() => ends.length).toBe(2);
    expect({ running: worker.running(), waiting: queue.waiting.length }).toEqual({ running: 2, waiting: 2 });
    ends[0]?.();
    await expect.poll(() => ends.length).toBe(3);
    expect(worker.running()).toBe(2);
    await service.shutdown();
  });

  it('goes on when the queue cannot be reached for a while', async () => {
    const queue = createQueue('a');
    let broken = 3;
    const take = (): Promise<Job<string> | null> =>
      broken-- > 0 ? Promise.reject(new Error('ECONNREFUSED')) : Promise.resolve(queue.waiting.shift() ?? null);
    const { service, lines } = work({ ...queue, take }, () => undefined);
    await expect.poll(() => queue.events).toEqual(['done a']);
    expect(lines.filter(({ msg }) => msg === 'the queue failed')).toHaveLength(3);
    await service.shutdown();
  });

  it('continues the trace of whoever queued the job', async () => {
    const { service } = tryService();
    const traces: unknown[] = [];
    const worker = createWorker(service, { name: 'mail', handle: () => void traces.push(currentContext()?.traceId) });
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await worker.run({ id: 'a', data: '', headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } });
    expect(traces).toEqual([traceId]);
  });
});

describe('in a shutdown a worker', () => {
  it('takes nothing new and finishes what it has', async () => {
    const queue = createQueue('a', 'b');
    let end = (): void => undefined;
    const { service, codes, worker } = work(queue, () => new Promise<void>((resolve) => void (end = resolve)), { finishMs: 3_000 });
    await expect.poll(() => worker.running()).toBe(1);
    const shutdown = service.shutdown();
    end();
    await shutdown;
    expect(queue.events).toEqual(['done a']);
    expect(queue.waiting.map(({ id }) => id)).toEqual(['b']);
    expect(codes).toEqual([0]);
  });

  it('asks a long job to save and leave, and gives it back with its checkpoint; the next worker goes on from there', async () => {
    const queue = createQueue('a');
    const { service, codes, worker } = work(queue, async (_job, context) => {
      await context.save({ row: 500 });
      await left(context);
    });
    await expect.poll(() => worker.running()).toBe(1);
    await service.shutdown();
    expect(queue.events).toEqual(['released a at {"row":500}']);
    expect(codes).toEqual([0]);
    expect(await service.metrics.registry.metrics()).toContain('jobs_total{worker="mail",outcome="released",version="1.2.3"} 1');

    let resumed: unknown;
    const next = work(queue, (job, { checkpoint, idempotencyKey }) => void (resumed = [idempotencyKey, job.data, checkpoint()]));
    await expect.poll(() => queue.events.at(-1)).toBe('done a');
    expect(resumed).toEqual(['a', 'data of a', { row: 500 }]);
    await next.service.shutdown();
  });

  it('leaves a job behind that ignores the signal, and never calls it done', async () => {
    const queue = createQueue('a');
    let end = (): void => undefined;
    const { service, codes, worker } = work(queue, () => new Promise<void>((resolve) => void (end = resolve)));
    await expect.poll(() => worker.running()).toBe(1);
    await service.shutdown();
    end();
    await Promise.resolve();
    expect(queue.events).toEqual(['released a at undefined']);
    expect(codes).toEqual([0]);
  });

  it('begins no further attempt', async () => {
    const queue = createQueue('a');
    let tries = 0;
    const { service } = work(
      queue,
      () => {
        tries += 1;
        throw new Error('no');
      },
      { backoffMs: 60_000 },
    );
    await expect.poll(() => tries).toBe(1);
    await service.shutdown();
    expect({ tries, events: queue.events }).toEqual({ tries: 1, events: ['released a at undefined'] });
  });

  it('turns away what a pushing queue still brings', async () => {
    const { service } = tryService();
    let ran = false;
    const worker = createWorker(service, { name: 'mail', handle: () => void (ran = true) });
    await service.shutdown();
    await expect(worker.run({ id: 'late', data: '', checkpoint: 7 })).rejects.toThrow(JobReleased);
    expect(ran).toBe(false);
  });

  it('is cut when even the queue does not answer, and the exit code says so', async () => {
    const queue = createQueue('a');
    const hanging = { ...queue, release: () => new Promise<void>(() => undefined) };
    const tried = tryService({ shutdown: { drainMs: 200 } });
    const worker = createWorker(tried.service, {
      name: 'mail',
      source: hanging,
      handle: (_job, context) => left(context),
      finishMs: 10,
      leaveMs: 10,
    });
    worker.start();
    await expect.poll(() => worker.running()).toBe(1);
    await tried.service.shutdown();
    expect(tried.codes).toEqual([1]);
  });
});

describe('worker options', () => {
  it('that a shutdown would cut are refused at the start', () => {
    const { service } = tryService();
    expect(() => createWorker(service, { name: 'mail', handle: () => undefined, finishMs: 60_000 })).toThrow(/62000 ms.*6000 ms/);
  });

  it('without a source cannot be started', () => {
    const { service } = tryService();
    expect(() => createWorker(service, { name: 'mail', handle: () => undefined }).start()).toThrow('no source');
  });
});
