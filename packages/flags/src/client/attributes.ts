import type { Evaluation } from '../core/evaluator.ts';
import type { Status } from './types.ts';

/**
 * An evaluation as attributes of OpenTelemetry's event `feature_flag.evaluation` (semantic conventions, feature flags in events), for an
 * event of what you trace with. Give it what `onEvaluation` is called with.
 * @param contextId the targeting key, where the person behind it may be known to your traces
 * @param of the status of the client, or a snapshot: which flags, of which change
 */
export function featureFlagAttributes(
  evaluation: Evaluation,
  contextId?: string,
  of?: Pick<Status, 'environment' | 'seq'>,
): Readonly<Record<string, string | number | boolean>> {
  const { key, variant, value, reason, errorCode, errorMessage } = evaluation;
  const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return {
    'feature_flag.key': key,
    'feature_flag.provider.name': 'slipway',
    'feature_flag.result.reason': reason.toLowerCase(),
    ...(variant === null ? {} : { 'feature_flag.result.variant': variant }),
    // The value matters only where no variant names it.
    ...(variant === null && isPlain ? { 'feature_flag.result.value': value } : {}),
    ...(contextId === undefined ? {} : { 'feature_flag.context.id': contextId }),
    ...(of === undefined || of.environment === null
      ? {}
      : { 'feature_flag.set.id': of.environment, 'feature_flag.version': String(of.seq) }),
    ...(errorCode === null ? {} : { 'error.type': errorCode.toLowerCase() }),
    ...(errorMessage === null ? {} : { 'feature_flag.error.message': errorMessage }),
  };
}
