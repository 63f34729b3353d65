import type { GuardDefinition, JudgePolicy, MetricDefinition } from '../../../analysis/pure.ts';
import type { Duration } from '../../../kernel/pure.ts';

/** Everybody, as shares of flags are counted. */
export const EVERYBODY = 100_000;

/** One step: who has the variant, and for how long at least before the next one. */
export interface RampStep {
  /** `off`: nobody. `internal`: the people of a segment. `share`: these, and so many of everybody. */
  readonly kind: 'off' | 'internal' | 'share';
  /** In thousandths of a percent; 0 unless it is a share. */
  readonly share: number;
  readonly forMs: Duration;
}

/**
 * Whom a source is asked about. `service`: the version that serves, which is both sides of every comparison. `variant`: those who have
 * the variant against those who do not; the source is asked with the variants' names in the place of versions.
 */
export type About = 'service' | 'variant';

export type RampMetric = MetricDefinition & { readonly about: About };
export type RampGuard = GuardDefinition & { readonly about: About };

/** What must say `pass` before a step ends. At least one of policy and guards is there. */
export interface RampGate {
  readonly policy: JudgePolicy | null;
  /** The failed requests of the whole service, counted by the router, under the name `errors`. */
  readonly router: boolean;
  readonly metrics: readonly RampMetric[];
  readonly guards: readonly RampGuard[];
}

/** Everything decided before the first change, as data: a newer build interprets it. */
export interface RampPlan {
  readonly schema: 'slipway.ramp/1';
  readonly ramp: string;
  /** The file in `ramps/` it was made from; null for one of the command line. */
  readonly name: string | null;
  readonly service: string;
  readonly environment: string;
  readonly flag: string;
  readonly variant: string;
  /** The segment of the step `internal`; null where there is no such step. */
  readonly internal: string | null;
  readonly steps: readonly RampStep[];
  readonly gate: RampGate;
  /** Time between two looks at the gate while a step is young. */
  readonly everyMs: Duration;
  /** Workers that can reach the workspace: `host:state directory`. */
  readonly node: string;
  readonly workspace: string;
  readonly envFile: string | null;
  /** The revision of the flag that it begins with. */
  readonly revision: number;
  readonly startedBy: string;
  readonly reason: string;
}

/** How a ramp ended. `reversed`: the gate failed and the flag was turned off. `killed`: somebody else turned it off. */
export type RampOutcome = 'completed' | 'reversed' | 'cancelled' | 'killed' | 'gone';

/** Who changed the flag when it is the ramp. */
export function actorOf(ramp: string): string {
  return `ramp ${ramp}`;
}
