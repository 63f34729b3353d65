import type { Instant } from '../../../kernel/index.ts';
import type { Point } from './points.ts';

/** Points of one version, metric and set of attributes, put together over its instances. */
export interface Total {
  readonly service: string;
  readonly version: string;
  readonly metric: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly kind: Point['kind'];
  bounds: readonly number[];
  /** Counts since this receiver began; never less than before, unless `restarts` says so. */
  values: number[];
  /** How often it began anew. */
  restarts: number;
  /** The newest value of each instance, of a gauge. */
  readonly newest: Map<string, { readonly value: number; readonly heardAt: Instant }>;
}

/** An instance not heard of for longer says nothing of now; SDKs export once a minute by default. */
export const FRESH_MS = 3 * 60_000;
