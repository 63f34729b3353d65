import type { Reading } from './core/reading.ts';

export type { Ask, CommandSourceDefinition, OtlpDefinition, PrometheusDefinition, SourceDefinition } from './core/source.ts';
export type { Both, Heard, Histogram, Measured, Reading, Silent } from './core/reading.ts';

/** Which two versions of which service are asked about. */
export interface Question {
  readonly service: string;
  readonly environment: string;
  readonly canary: VersionName;
  readonly stable: VersionName;
}

export interface VersionName {
  readonly version: string;
  /** The target group it runs in, `service/environment/slot`. */
  readonly group: string;
}

/** Where one metric of two versions comes from. One contract suite (`contract.ts`) holds for every adapter. */
export interface MetricSource {
  /**
   * What was counted of both versions until one moment, since counting began: never a rate, never a ratio.
   * Whatever goes wrong is `silent` with a reason a person can act on; it never throws. A version the source does not know is silent,
   * or has zero requests where the source knows every version there is. The signal ends a reading early.
   */
  read(question: Question, signal: AbortSignal): Promise<Reading>;
}
