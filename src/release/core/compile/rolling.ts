import type { Amount } from '../definition.ts';

/** One move of a rolling update: start new instances until there are so many, or stop old ones until so many are left. */
export interface Move {
  readonly kind: 'add' | 'retire';
  /** How many of each version run after it. */
  readonly fresh: number;
  readonly old: number;
}

/** What a rolling update is allowed, in instances. */
export interface RollingLimits {
  /** Above the larger of the wanted number and the number before. */
  readonly surge: number;
  /** Below the smaller of the two. */
  readonly unavailable: number;
}

/**
 * Shares as instances: a surge rounds up, unavailable ones round down (as Kubernetes does for `maxSurge` and `maxUnavailable`). One
 * instance always stays, and where nothing may move one more may be started.
 */
export function limitsOf(
  least: number,
  wanted: number,
  { surge, unavailable }: { readonly surge: Amount; readonly unavailable: Amount },
): RollingLimits {
  const above = 'count' in surge ? surge.count : Math.ceil(wanted * surge.share);
  const asked = 'count' in unavailable ? unavailable.count : Math.floor(wanted * unavailable.share);
  const below = Math.max(0, Math.min(asked, least - 1));
  return { surge: above === 0 && below === 0 ? 1 : above, unavailable: below };
}

/**
 * The moves from `before` old instances to `wanted` new ones, each as large as the limits let it be.
 * @throws Error when the limits let nothing move
 */
export function rollingMoves(wanted: number, before: number, { surge, unavailable }: RollingLimits): readonly Move[] {
  if (surge <= 0 && unavailable <= 0) throw new Error('A rolling update needs a surge or an instance that may be unavailable');
  const most = Math.max(wanted, before) + surge;
  const least = Math.min(wanted, before) - unavailable;
  const moves: Move[] = [];
  let [fresh, old] = [0, before];
  while (fresh < wanted || old > 0) {
    const more = Math.min(wanted, most - old);
    if (more > fresh) moves.push({ kind: 'add', fresh: (fresh = more), old });
    const left = Math.max(0, Math.min(old, least - fresh));
    if (left < old) moves.push({ kind: 'retire', fresh, old: (old = left) });
  }
  return moves;
}

/** Whole percent of the requests for the new version, by instances; neither version is left without any while it has one. */
export function shareOf({ fresh, old }: Pick<Move, 'fresh' | 'old'>): number {
  if (old === 0) return 100;
  return fresh === 0 ? 0 : Math.min(99, Math.max(1, Math.round((100 * fresh) / (fresh + old))));
}
