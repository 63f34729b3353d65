import { Counter, Gauge, type Registry } from 'prom-client';
import { attempt } from './attempt.ts';
import { ServiceUnavailable } from './unavailable.ts';

export interface PoolOptions {
  /** How many may run at once: the size of the connection pool behind it. */
  readonly size: number;
  /** How many more may wait (default: as many as run). */
  readonly queue?: number;
  /** How long one may wait, in milliseconds (default 1000). */
  readonly waitMs?: number;
}

export interface Pool {
  readonly name: string;
  /**
   * Runs `action` when there is a place for it.
   * @throws ServiceUnavailable (503 with Retry-After) at once when the queue is full, and when the wait was too long
   */
  run<T>(action: () => T | PromiseLike<T>): Promise<T>;
  readonly running: () => number;
  readonly waiting: () => number;
}

interface PoolCounters {
  add(pool: Pool): void;
  reject(pool: string): void;
}

export function createPoolCounters(registry: Registry): PoolCounters {
  const pools = new Map<string, Pool>();
  const registers = [registry];
  const rejected = new Counter({
    name: 'pool_rejected_total',
    help: 'Turned away: no place, no patience.',
    labelNames: ['pool'],
    registers,
  });
  registry.registerMetric(
    new Gauge({
      name: 'pool_running',
      help: 'Places taken now.',
      labelNames: ['pool'],
      registers: [],
      collect() {
        for (const [name, pool] of pools) this.set({ pool: name }, pool.running());
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'pool_waiting',
      help: 'Waiting for a place now.',
      labelNames: ['pool'],
      registers: [],
      collect() {
        for (const [name, pool] of pools) this.set({ pool: name }, pool.waiting());
      },
    }),
  );
  return { add: (pool) => void pools.set(pool.name, pool), reject: (pool) => rejected.inc({ pool }) };
}

/** Bounded work in front of something that has an end: when it is full, say so at once instead of letting everybody wait. */
export function createPool(name: string, { size, queue = size, waitMs = 1_000 }: PoolOptions, counters: PoolCounters): Pool {
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`The size of pool ${name} must be a whole number, 1 or more.`);
  if (!Number.isSafeInteger(queue) || queue < 0) throw new RangeError(`The queue of pool ${name} must be a whole number, 0 or more.`);
  let running = 0;
  // A set keeps its order, and who leaves early leaves no hole.
  const waiting = new Set<() => void>();
  const full = (): ServiceUnavailable => {
    counters.reject(name);
    return new ServiceUnavailable(`too busy (${name})`, waitMs / 1_000);
  };
  const take = (): Promise<void> => {
    if (running < size) {
      running += 1;
      return Promise.resolve();
    }
    if (waiting.size >= queue) return Promise.reject(full());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(enter);
        reject(full());
      }, waitMs);
      const enter = (): void => {
        clearTimeout(timer);
        waiting.delete(enter);
        resolve();
      };
      waiting.add(enter);
    });
  };
  /** The place goes to whoever waited longest, without being free in between. */
  const leave = (): void => {
    const [next] = waiting;
    if (next === undefined) running -= 1;
    else next();
  };
  const pool: Pool = {
    name,
    run: async (action) => {
      await take();
      try {
        return await attempt(action);
      } finally {
        leave();
      }
    },
    running: () => running,
    waiting: () => waiting.size,
  };
  counters.add(pool);
  return pool;
}
