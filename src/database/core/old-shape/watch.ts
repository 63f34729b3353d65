import type { Instant } from '../../../kernel/pure.ts';

/** A counter as it was met over time: its last value, since when it is known, and when it was last found to have moved. */
export interface Watched {
  readonly value: number;
  readonly firstAt: Instant;
  /** Null: it has stood still since it is known. */
  readonly movedAt: Instant | null;
}

/** The counter after another look. One that falls was reset, and nobody knows what it counted before that: it moved. */
export function watched(before: Watched | null, value: number, now: Instant): Watched {
  if (before === null) return { value, firstAt: now, movedAt: null };
  if (value === before.value) return before;
  return { value, firstAt: before.firstAt, movedAt: now };
}

/** Since when it is known to stand still. */
export function quietSince({ firstAt, movedAt }: Watched): Instant {
  return movedAt ?? firstAt;
}
