import type { EvaluationContext, JsonValue, Provider, ResolutionDetails } from '@openfeature/server-sdk';
import type { FlagsClient } from '../client/types.ts';
import type { FlagValue } from '../core/definition.ts';
import type { Details } from '../core/evaluator.ts';
import { providerParts, resolutionOf } from './shared.ts';

/**
 * A provider for `@openfeature/server-sdk` that evaluates in the process. It closes the client when it is closed. The SDK itself costs
 * some microseconds for each evaluation; on hot paths ask the client.
 */
export function slipwayProvider(client: FlagsClient): Provider {
  const { events, initialize } = providerParts(client);
  const resolved = <T extends FlagValue>(details: Details<T>) =>
    Promise.resolve(resolutionOf(details, client) as unknown as ResolutionDetails<T>);
  return {
    metadata: { name: 'slipway' },
    runsOn: 'server',
    events: events as unknown as NonNullable<Provider['events']>,
    initialize,
    onClose: client.close,
    resolveBooleanEvaluation: (key, fallback, context) => resolved(client.booleanDetails(key, context, fallback)),
    resolveStringEvaluation: (key, fallback, context) => resolved(client.stringDetails(key, context, fallback)),
    resolveNumberEvaluation: (key, fallback, context) => resolved(client.numberDetails(key, context, fallback)),
    resolveObjectEvaluation: <T extends JsonValue>(key: string, fallback: T, context: EvaluationContext) =>
      resolved(client.jsonDetails(key, context, fallback as FlagValue)) as Promise<ResolutionDetails<T>>,
  };
}
