/** What `slipway list` shows, kept beside each release and moved on by every event; it can always be computed again from the ledger. */
export interface Progress {
  /** A driver has taken it or a step has begun. */
  readonly begun: boolean;
  readonly rollingBack: boolean;
  readonly paused: boolean;
  readonly stuck: boolean;
  readonly lock: 'none' | 'waiting' | 'held';
  /** The outcome of `release.finished`; null while it is not finished. */
  readonly outcome: string | null;
}

export const NO_PROGRESS: Progress = { begun: false, rollingBack: false, paused: false, stuck: false, lock: 'none', outcome: null };

/** An event as far as the status depends on it; kinds and fields written by newer builds are carried, not understood. */
interface SeenEvent {
  readonly type: string;
  readonly data: unknown;
}

const MOVES: Readonly<Record<string, (progress: Progress) => Progress>> = {
  'lock.waiting': (progress) => ({ ...progress, lock: progress.lock === 'held' ? 'held' : 'waiting' }),
  'lock.acquired': (progress) => ({ ...progress, lock: 'held' }),
  'step.intended': (progress) => ({ ...progress, begun: true }),
  'step.skipped': (progress) => ({ ...progress, begun: true }),
  'pause.requested': (progress) => ({ ...progress, paused: true }),
  'resume.requested': (progress) => ({ ...progress, paused: false, stuck: false }),
  'rollback.requested': (progress) => ({ ...progress, paused: false, stuck: false }),
  // A rollback does not wait for a pause to end.
  'rollback.started': (progress) => ({ ...progress, rollingBack: true, paused: false, stuck: false }),
  'release.stuck': (progress) => ({ ...progress, stuck: true }),
};

/** The progress after one more event. */
export function advance(progress: Progress, event: SeenEvent): Progress {
  if (event.type !== 'release.finished') return MOVES[event.type]?.(progress) ?? progress;
  const outcome = (event.data as { readonly outcome?: unknown } | null)?.outcome;
  return { ...progress, outcome: typeof outcome === 'string' ? outcome : 'unknown' };
}

/**
 * One word for it. `parked`: no driver has it now, so a release that has begun waits for a time or a person.
 * Being stuck comes before being paused: it is what a person must know first.
 */
export function statusOf(progress: Progress, parked: boolean): string {
  if (progress.outcome !== null) return progress.outcome;
  if (progress.stuck) return 'stuck';
  if (progress.paused) return 'paused';
  if (progress.rollingBack) return 'rolling-back';
  if (!progress.begun && (parked || progress.lock !== 'held')) return 'queued';
  return parked ? 'waiting' : 'running';
}
