import type { ReleaseStore } from './ports.ts';

/** Watches a release's ledger while a step runs; aborts when a person wants the release stopped. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /** Aborted when a person wants the release to go on. */
  readonly asked: AbortSignal;
  end(): void;
}

/** During a rollback nothing stops a step: the way back is not left half done because someone pressed a key twice. */
export function stopSignal(store: ReleaseStore, release: string, size: number, undoing: boolean): StopSignal {
  const stop = new AbortController();
  const asked = new AbortController();
  const watching = new AbortController();
  const watch = async (): Promise<void> => {
    for (let seen = size; !watching.signal.aborted;) {
      await store.changed(release, seen, watching.signal);
      if (watching.signal.aborted) return;
      const { events } = await store.load(release);
      const request = events.slice(seen).find((event) => event.type === 'abort.requested' || event.type === 'rollback.requested');
      if (request !== undefined) return stop.abort(new Error(`${request.type} by ${request.actor}`));
      if (events.slice(seen).some((event) => event.type === 'promote.requested')) asked.abort();
      seen = events.length;
    }
  };
  // The store being away for a moment is no reason to stop a step; the driver's own writes will tell.
  if (!undoing) watch().catch(() => undefined);
  return { signal: stop.signal, asked: asked.signal, end: () => watching.abort() };
}
