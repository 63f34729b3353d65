import { DEFAULT_POLICY, ERRORS, THRESHOLD_DEFAULTS, type JudgePolicy, type ThresholdMetric } from '../../../analysis/pure.ts';
import type { Duration } from '../../../kernel/pure.ts';
import type { Definition } from '../definition.ts';
import type { RampGate, RampGuard, RampMetric, RampStep } from './ramp.ts';

/** What `ramps/NAME.yaml` says, or the command line in its place. */
export interface RampDeclaration {
  readonly flag: string;
  readonly variant: string;
  readonly internal: string | null;
  readonly steps: readonly RampStep[];
  /** Null: those who have the variant against those who do not, by the metrics; with no metrics and no guards, the failed requests of the service. */
  readonly threshold: readonly ThresholdMetric[] | null;
  readonly metrics: readonly RampMetric[];
  readonly guards: readonly RampGuard[];
  readonly everyMs: Duration;
}

/** Time between two looks that nobody asked for otherwise. */
export const USUAL_EVERY_MS: Duration = 10_000;

/** What is measured of the whole service when nothing else is said: the stop condition of `observe`, twice in a row. */
function usualThreshold(limit: number): ThresholdMetric {
  return {
    ...THRESHOLD_DEFAULTS,
    name: 'errors-bad',
    of: ERRORS.name,
    value: 'bad',
    windowMs: 60_000,
    intervalMs: 20_000,
    successCondition: { is: '<=', than: limit },
    failureCondition: { is: '>', than: limit },
    failureLimit: 1,
  };
}

/**
 * The gate of a ramp: what it declares, and the guards of the service, which hold whatever is turned on in it.
 * @returns the gate, or why nothing would judge
 */
export function gateOf(
  { threshold, metrics, guards }: Pick<RampDeclaration, 'threshold' | 'metrics' | 'guards'>,
  { listen, observe, metrics: known = [], guards: kept = [] }: Definition,
): RampGate | string {
  const usual = listen === null || metrics.length + guards.length > 0 ? null : [usualThreshold(observe.maxErrorRate)];
  const measured = threshold ?? usual;
  const names = (measured ?? []).map(({ of, name }) => of ?? name);
  const router = names.includes(ERRORS.name);
  if (router && listen === null) return 'it judges `errors`, which the router counts, and no process of the service takes requests';
  const service = known.filter(({ name }) => names.includes(name)).map((one): RampMetric => ({ ...one, about: 'service' }));
  const all = [...metrics, ...service.filter(({ name }) => !metrics.some((one) => one.name === name))];
  const missing = names.find((name) => name !== ERRORS.name && !all.some((one) => one.name === name));
  if (missing !== undefined) return `there is no metric "${missing}"`;
  const watched = [...guards, ...kept.map((one): RampGuard => ({ ...one, about: 'service' }))];
  const policy = policyOf(measured, metrics);
  if (policy === null && watched.length === 0)
    return 'nothing would judge it: the service takes no requests that a router counts; declare metrics or guards in ramps/NAME.yaml';
  return { policy, router, metrics: all, guards: watched };
}

/** What of a gate is asked about the version of the service that serves: while there is none, none of it is ever answered. */
export function askedOfService({ router, metrics, guards }: RampGate): readonly string[] {
  const declared = [...metrics, ...guards].filter(({ about }) => about === 'service').map(({ name }) => name);
  return [...(router ? ['its failed requests'] : []), ...declared];
}

function policyOf(threshold: readonly ThresholdMetric[] | null, metrics: readonly RampMetric[]): JudgePolicy | null {
  if (threshold !== null) return { kind: 'threshold', metrics: threshold };
  return metrics.length === 0 ? null : { ...DEFAULT_POLICY, metrics: metrics.map(({ policy }) => policy) };
}
