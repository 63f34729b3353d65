import type { Clock, Duration } from '../kernel/index.ts';
import type { ReleaseEvent } from './core/events.ts';
import type { ReleaseStore, StoredRelease } from './ports.ts';

/** Watches a release's ledger while a step runs; aborts when a person wants the release stopped. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /** Aborted when a person wants the release to go on. */
  readonly asked: AbortSignal;
  end(): void;
}

/** After an error of the store. */
const LOOK_AGAIN_MS: Duration = 1_000;

/** What a step is watched for. */
export interface Watch {
  readonly store: Pick<ReleaseStore, 'changed' | 'load'>;
  readonly clock: Clock;
  /** The ledger as loaded for the step. */
  readonly stored: StoredRelease;
  /** How many of its events were there before the step was intended. */
  readonly before: number;
}

/** During a rollback nothing stops a step: the way back is not left half done because someone pressed a key twice. */
export function stopSignal({ store, clock, stored, before }: Watch, undoing: boolean): StopSignal {
  const stop = new AbortController();
  const asked = new AbortController();
  const watching = new AbortController();
  const hear = (events: readonly ReleaseEvent[]): void => {
    const request = events.find((event) => event.type === 'abort.requested' || event.type === 'rollback.requested');
    if (request !== undefined) stop.abort(new Error(`${request.type} by ${request.actor}`));
    if (events.some((event) => event.type === 'promote.requested')) asked.abort();
  };
  let seen = stored;
  const lookOnce = async (): Promise<void> => {
    await store.changed(seen.summary.release, seen.events.length, watching.signal);
    if (watching.signal.aborted) return;
    const now = await store.load(seen.summary.release, seen);
    hear(now.events.slice(seen.events.length));
    seen = now;
  };
  const watch = async (): Promise<void> => {
    // The store being away for a moment is no reason to stop a step, and none to stop listening: a canary's looks go on for hours.
    while (!watching.signal.aborted && !stop.signal.aborted) await lookOnce().catch(() => clock.sleep(LOOK_AGAIN_MS, watching.signal));
  };
  if (!undoing) {
    hear(stored.events.slice(before));
    void watch();
  }
  return { signal: stop.signal, asked: asked.signal, end: () => watching.abort() };
}
