import { formatDuration } from '../../kernel/pure.ts';

/** A plot as data: what is drawn, not how. The same one becomes lines of a terminal and an SVG. */
export interface Plot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  readonly marks: readonly Mark[];
}

export interface Axis {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  /** Spaced by powers; `from` is then above 0. */
  readonly log?: boolean;
  /** `share`: 0 to 1, told in percent; `time`: milliseconds. */
  readonly unit: 'share' | 'time';
}

/** A stair: each value holds from its `x` until the next point; null where nothing is known. */
export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Point {
  readonly x: number;
  readonly y: number | null;
}

/** A moment that matters, such as a decision. */
export interface Mark {
  readonly x: number;
  readonly label: string;
}

/** Where a value lies on an axis, 0 to 1; outside of it, at its end. */
export function placeOn({ from, to, log }: Axis, value: number): number {
  const part = log === true ? Math.log(Math.max(value, from) / from) / Math.log(to / from) : (value - from) / (to - from);
  return Number.isNaN(part) ? 0 : Math.min(1, Math.max(0, part));
}

/** The value at a place from 0 to 1 of an axis. */
export function valueAt({ from, to, log }: Axis, part: number): number {
  return log === true ? from * (to / from) ** part : from + part * (to - from);
}

/** The largest value that a line has between two places of the x axis: a short peak must not vanish. Null where nothing is known. */
export function highestBetween({ points }: Line, from: number, to: number): number | null {
  let held: number | null = null;
  let most: number | null = null;
  for (const { x, y } of points) {
    if (x >= to) break;
    if (x <= from) held = y;
    else if (y !== null) most = most === null ? y : Math.max(most, y);
  }
  return most === null || held === null ? (most ?? held) : Math.max(most, held);
}

/** Values worth a label, the ends included where they are round enough to be among them. */
export function ticksOf(axis: Axis, most: number): readonly number[] {
  if (axis.log === true) {
    const within = ROUND_TIMES.filter((ms) => ms >= axis.from && ms <= axis.to);
    const step = Math.max(1, Math.ceil(within.length / most));
    return within.filter((_ms, index) => index % step === 0);
  }
  const step = roundStep((axis.to - axis.from) / most, axis.unit);
  const first = Math.ceil(axis.from / step);
  return Array.from({ length: Math.max(0, Math.floor(axis.to / step + 1e-9) - first + 1) }, (_tick, index) => (first + index) * step);
}

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
const ROUND_TIMES: readonly number[] = [
  ...[1, 2, 5, 10, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 30].map((n) => n * MINUTE),
  ...[1, 2, 4, 12, 24, 72, 168].map((n) => n * HOUR),
];

function roundStep(least: number, unit: Axis['unit']): number {
  const longest = ROUND_TIMES.at(-1) ?? HOUR;
  if (unit === 'time' && least <= longest) return ROUND_TIMES.find((ms) => ms >= least) ?? longest;
  const power = 10 ** Math.floor(Math.log10(Math.max(least, Number.MIN_VALUE)));
  return ([1, 2, 5].find((n) => n * power >= least) ?? 10) * power;
}

/** A value in words: `8.3 %`, `1m30s`. */
export function tellValue(unit: Axis['unit'], value: number): string {
  return unit === 'share' ? `${Number((value * 100).toPrecision(2))} %` : formatDuration(Math.round(value));
}

/** The next round value above, for the top of an axis of shares: 0 of nothing is still 1 %. */
export function roundTop(most: number): number {
  if (!(most > 0)) return 0.01;
  const power = 10 ** Math.floor(Math.log10(most));
  return Math.min(1, ([1, 2, 5].find((n) => n * power >= most * (1 - 1e-9)) ?? 10) * power);
}
