import { request } from 'node:http';
import type { Clock } from '../../../kernel/index.ts';
import { afterFailure, DEFAULT_EJECTION, type Ejection, IN_SERVICE, inService, mayProbe } from '../../core/ejection.ts';
import { PROBE_AGENT } from '../../core/probe-agent.ts';
import { endpointOf } from './names.ts';
import type { Haproxy } from './process.ts';
import { isInstance, type Row, takesRequests } from './statistics.ts';
import type { Attempts, Unanswered } from './unanswered.ts';

const ANSWER_WITHIN_MS = 2_000;

/**
 * Takes instances out of service that accept connections and break them, which HAProxy's own checks do not see, and puts them back when
 * they answer a question of ours. Never the last one that serves: the list of the target that probes instances is the truth, this only a guess.
 */
export class Ejector {
  readonly #clock: Clock;
  /** Of the process with this number, by `backend/server`. */
  #states = new Map<string, Ejection>();
  #pid = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One look at the process that serves: what happened since the last one, and its instances now. */
  async look(one: Haproxy, happened: ReadonlyMap<string, Unanswered>, rows: readonly Row[]): Promise<void> {
    // A new process has all of them in service.
    if (one.pid !== this.#pid) this.#states = new Map();
    this.#pid = one.pid;
    for (const [backend, { servers }] of happened) {
      const serving = new Set(
        rows.filter((row) => row.proxy === backend && isInstance(row) && takesRequests(row)).map(({ server }) => server),
      );
      for (const [name, attempts] of servers) await this.#consider(one, { key: `${backend}/${name}`, name, attempts, serving });
    }
  }

  async #consider(one: Haproxy, candidate: Candidate): Promise<void> {
    const { key, name, serving } = candidate;
    if (one.servers?.get(key)?.state !== 'ready') return void this.#states.delete(key);
    const { state, order } = decided(this.#states.get(key) ?? IN_SERVICE, candidate, this.#clock.monotonic());
    this.#states.set(key, state);
    if (order === 'ask') return void this.#ask(one, candidate, state).catch(() => undefined);
    if (order === 'drain') serving.delete(name);
    if (order !== null) await one.runtime.ask(`set server ${key} state ${order}`);
  }

  /** Whoever answers anything is back in service, on trial: the next failure without an answer before it sends it out for longer. */
  async #ask(one: Haproxy, { key, name }: Candidate, trial: Ejection): Promise<void> {
    const isGood = await answersAnything(name);
    // One that was retired meanwhile must not come back.
    if (this.#states.get(key) !== trial || one.hasEnded() || one.servers?.get(key)?.state !== 'ready') return;
    if (isGood) await one.runtime.ask(`set server ${key} state ready`);
    else this.#states.set(key, afterFailure(trial, this.#clock.monotonic(), DEFAULT_EJECTION));
  }
}

interface Candidate {
  readonly key: string;
  readonly name: string;
  readonly attempts: Attempts;
  /** Those of its backend that take requests now. */
  readonly serving: Set<string>;
}

interface Decision {
  readonly state: Ejection;
  /** What HAProxy is told, or that the instance is asked. */
  readonly order: 'drain' | 'ready' | 'ask' | null;
}

function decided(before: Ejection, { name, attempts, serving }: Candidate, now: number): Decision {
  const back = inService(before) ? null : 'ready';
  if (serving.size === 0) return { state: IN_SERVICE, order: back };
  if (mayProbe(before, now)) return { state: { ...before, probing: true }, order: 'ask' };
  const state = judged(before, attempts, now);
  if (state.until === null || state.until === before.until) return { state, order: inService(state) ? back : null };
  const isLast = serving.size === 1 && serving.has(name);
  return isLast ? { state: { ...IN_SERVICE, level: before.level }, order: back } : { state, order: 'drain' };
}

/** Answers between two looks outweigh failures: in which order they came is not known. */
function judged(state: Ejection, { answered, failed }: Attempts, now: number): Ejection {
  if (answered > 0) return IN_SERVICE;
  let next = state;
  for (let failure = 0; failure < failed && next.until === state.until; failure++) next = afterFailure(next, now, DEFAULT_EJECTION);
  return next;
}

function answersAnything(name: string): Promise<boolean> {
  const endpoint = endpointOf(name);
  if (endpoint === null) return Promise.resolve(false);
  return new Promise((resolve) => {
    const { host, port } = endpoint;
    const asked = request({ host, port, method: 'HEAD', headers: { 'user-agent': PROBE_AGENT }, agent: false, timeout: ANSWER_WITHIN_MS });
    asked.once('response', (response) => {
      response.destroy();
      resolve(true);
    });
    asked.once('timeout', () => asked.destroy(new Error('too late')));
    asked.once('error', () => resolve(false));
    asked.end();
  });
}
