import type { EvaluationContext, JsonValue, Provider, ResolutionDetails } from '@openfeature/web-sdk';
import type { FlagsClient } from '../client/types.ts';
import type { FlagValue } from '../core/definition.ts';
import type { Details } from '../core/evaluator.ts';
import { providerParts, resolutionOf } from './shared.ts';

/** A provider for `@openfeature/web-sdk` that evaluates in the page: another context needs no request. It closes the client when it is closed. */
export function slipwayWebProvider(client: FlagsClient): Provider {
  const { events, initialize } = providerParts(client);
  const resolved = <T extends FlagValue>(details: Details<T>) => resolutionOf(details, client) as unknown as ResolutionDetails<T>;
  return {
    metadata: { name: 'slipway' },
    runsOn: 'client',
    events: events as unknown as NonNullable<Provider['events']>,
    initialize,
    onClose: client.close,
    resolveBooleanEvaluation: (key, fallback, context) => resolved(client.booleanDetails(key, context, fallback)),
    resolveStringEvaluation: (key, fallback, context) => resolved(client.stringDetails(key, context, fallback)),
    resolveNumberEvaluation: (key, fallback, context) => resolved(client.numberDetails(key, context, fallback)),
    resolveObjectEvaluation: <T extends JsonValue>(key: string, fallback: T, context: EvaluationContext) =>
      resolved(client.jsonDetails(key, context, fallback as FlagValue)) as ResolutionDetails<T>,
  };
}
