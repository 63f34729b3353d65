import { setTimeout as sleep } from 'node:timers/promises';
import { attempt } from './attempt.ts';
import type { Connections } from './connections.ts';
import type { Logger } from './logger.ts';

/** How long each part of a shutdown may take, in milliseconds. Together they must fit into the supervisor's grace period. */
export interface ShutdownLimits {
  /** Not ready any more, still listening: the time a router needs to notice. Default 500; more than its probe interval is right. */
  readonly announceMs: number;
  /** Requests, streams, tracked work and jobs end. Default 6000. */
  readonly drainMs: number;
  /** All hooks together. Default 1500. */
  readonly hooksMs: number;
  /** What the supervisor waits between SIGTERM and SIGKILL (Slipway's `stop-grace`). Default 10000. */
  readonly graceMs: number;
}

/** Work that a shutdown waits for. */
export interface Drainable {
  readonly name: string;
  /** Asks for the end; resolves when there is nothing left. `signal` aborts when the drain time is over. */
  readonly drain: (signal: AbortSignal) => Promise<void>;
  /** Ends what is left by force; returns how much was lost. */
  readonly cut: () => number;
}

export interface Shutdown {
  /** Aborts as soon as a shutdown begins: take nothing new. */
  readonly stopping: AbortSignal;
  add(part: Drainable): void;
  /** `run` is called after the drain, in reverse order of registration. */
  hook(name: string, run: () => unknown): void;
  /** Begins once; later calls wait for the same end. Resolves with the exit code it asked for. */
  begin(reason: string, code?: number): Promise<number>;
}

interface Parts {
  readonly limits: ShutdownLimits;
  readonly connections: Connections;
  readonly log: Logger;
  readonly exit: (code: number) => void;
}

interface Hook {
  readonly name: string;
  readonly run: () => unknown;
}

const DEFAULTS: ShutdownLimits = { announceMs: 500, drainMs: 6_000, hooksMs: 1_500, graceMs: 10_000 };

/** @throws RangeError when the parts do not fit into the grace period: the supervisor would kill a shutdown that is under way */
export function shutdownLimits(given: Partial<ShutdownLimits> = {}): ShutdownLimits {
  const limits = { ...DEFAULTS, ...given };
  const { announceMs, drainMs, hooksMs, graceMs } = limits;
  const wrong = Object.entries(limits).find(([, value]) => !Number.isFinite(value) || value < 0);
  if (wrong !== undefined) throw new RangeError(`shutdown.${wrong[0]} must be a number of milliseconds, 0 or more.`);
  const sum = announceMs + drainMs + hooksMs;
  if (sum >= graceMs) {
    throw new RangeError(
      `A shutdown may take ${sum} ms (announceMs + drainMs + hooksMs), but is killed after ${graceMs} ms (graceMs). ` +
        'Shorten a part, or give the instance more time (Slipway: stop-grace) and say so in graceMs.',
    );
  }
  return limits;
}

/** True when `work` ended within `ms`; a later end is nobody's concern. */
async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  const over = new AbortController();
  const ended = work.then(() => true);
  const late = sleep(ms, false, { signal: over.signal }).catch(() => false);
  try {
    return await Promise.race([ended, late]);
  } finally {
    over.abort();
  }
}

async function drainAll({ limits, log }: Parts, drainables: readonly Drainable[]): Promise<boolean> {
  const over = new AbortController();
  const failed =
    (name: string) =>
    (error: unknown): void =>
      log.error({ err: error, part: name }, 'could not drain');
  const all = Promise.all(drainables.map(({ name, drain }) => attempt(drain, over.signal).catch(failed(name))));
  const ended = await within(all, limits.drainMs);
  over.abort();
  const lost = drainables.map(({ name, cut }) => ({ name, count: cut() })).filter(({ count }) => count > 0);
  for (const { name, count } of lost) log.warn({ part: name, count, drainMs: limits.drainMs }, 'cut what did not end in time');
  return ended && lost.length === 0;
}

async function runHooks({ limits, log }: Parts, hooks: readonly Hook[]): Promise<boolean> {
  const deadline = performance.now() + limits.hooksMs;
  let allWell = true;
  for (const { name, run } of hooks.toReversed()) {
    const left = Math.max(0, deadline - performance.now());
    const ended = await within(attempt(run), left).catch((error: unknown) => {
      log.error({ err: error, hook: name }, 'shutdown hook failed');
      return null;
    });
    if (ended === false) log.error({ hook: name, hooksMs: limits.hooksMs }, 'shutdown hook did not end in time');
    allWell &&= ended === true;
  }
  return allWell;
}

/** Readiness down, announce, drain, hooks in reverse order, exit. Exits 0 only when nothing was cut and no hook failed. */
export function createShutdown(parts: Parts): Shutdown {
  const { limits, connections, log, exit } = parts;
  const stopping = new AbortController();
  const drainables: Drainable[] = [{ name: 'requests', drain: connections.drain, cut: connections.cut }];
  const hooks: Hook[] = [];
  let running: Promise<number> | null = null;

  const run = async (reason: string, code: number): Promise<number> => {
    log.info({ reason, ...limits }, 'shutting down');
    stopping.abort();
    connections.sayGoodbye();
    if (connections.servers() > 0) await sleep(limits.announceMs);
    const drained = await drainAll(parts, drainables);
    const closed = await runHooks(parts, hooks);
    const result = code === 0 && !(drained && closed) ? 1 : code;
    log.info({ reason, code: result }, 'bye');
    exit(result);
    return result;
  };
  return {
    stopping: stopping.signal,
    add: (part) => void drainables.push(part),
    hook: (name, action) => void hooks.push({ name, run: action }),
    begin: (reason, code = 0) => (running ??= run(reason, code)),
  };
}
