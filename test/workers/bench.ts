import { expect } from 'vitest';
import { checkChain } from '../../src/evidence/index.ts';
import type { DriverDeps, NewEvent, Plan, ReleaseStore, Step } from '../../src/release/index.ts';
import type { OpenStore } from '../../src/store/index.ts';
import { embeddedServer, scratch } from '../store/support.ts';
import { aStep, scriptedPlan, scriptedWorker, story, type Scripts, type WorkerOptions } from './rig.ts';

export const LIVE_LEASE = { leaseMs: 15_000, renewMs: 3_000, marginMs: 4_000 };

/** Two steps that pass and one between them that changes the world, so that there is something to undo. */
export const THREE = [aStep('build.make'), aStep('change.world'), aStep('verify.smoke')];

/** A real store with a worker's connection and that of people in another process. */
export interface Bench {
  readonly home: string;
  readonly store: ReleaseStore;
  /** A store of its own, as another process would have it. */
  anotherStore(isAlive?: () => boolean): Promise<OpenStore>;
  /** Submits a scripted release. */
  release(steps: readonly Step[], scripts?: Scripts, changes?: Partial<Plan>): Promise<ScriptedRelease>;
  stop(): Promise<void>;
}

/** A submitted release with its worker, and a person in another process. */
export interface ScriptedRelease {
  readonly release: string;
  worker(options?: Partial<WorkerOptions>): DriverDeps;
  person(event: NewEvent, actor?: string): Promise<void>;
  /** Its story so far; the chain is checked on the way. */
  told(): Promise<readonly string[]>;
}

/** Starts a server and opens the store twice. */
export async function openBench(): Promise<Bench> {
  const server = await embeddedServer();
  const place = scratch();
  const url = await server.newDatabase();
  const anotherStore: Bench['anotherStore'] = (isAlive) =>
    server.open(url, { lease: LIVE_LEASE, ...(isAlive === undefined ? {} : { isAlive }) });
  const [{ store }, { store: other }] = [await anotherStore(), await anotherStore()];
  return {
    home: place.home,
    store,
    anotherStore,
    release: async (steps, scripts = {}, changes = {}) => {
      const plan = scriptedPlan(steps, changes);
      const { release } = plan;
      await store.submit({ plan, actor: plan.requestedBy, wait: true });
      return {
        release,
        worker: (options) => scriptedWorker(store, { id: 'w1', home: place.home, scripts, lease: LIVE_LEASE, ...options }),
        person: (event, actor = 'bob') => other.request(release, actor, event),
        told: async () => {
          const stored = await other.load(release);
          expect(checkChain(stored.entries)).toMatchObject({ verdict: 'pass' });
          return story(stored);
        },
      };
    },
    stop: async () => {
      await server.stop();
      place.remove();
    },
  };
}
