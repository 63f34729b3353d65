import type { FlagsClient, Status } from '../client/types.ts';
import type { FlagValue } from '../core/definition.ts';
import type { Details } from '../core/evaluator.ts';

/** Events of OpenFeature that a provider tells of; the names are the same in its server and its web SDK. */
type ProviderEvent = 'PROVIDER_READY' | 'PROVIDER_ERROR' | 'PROVIDER_STALE' | 'PROVIDER_CONFIGURATION_CHANGED';

type Handler = (details?: Readonly<Record<string, unknown>>) => unknown;

/** What OpenFeature asks of an emitter. Its own one would be a dependency at run time. */
export interface ProviderEvents {
  emit(event: ProviderEvent, details?: Readonly<Record<string, unknown>>): void;
  addHandler(event: string, handler: Handler): void;
  removeHandler(event: string, handler: Handler): void;
  removeAllHandlers(event?: string): void;
  getHandlers(event: string): Handler[];
  setLogger(): ProviderEvents;
}

function createEvents(): ProviderEvents {
  const handlers = new Map<string, Set<Handler>>();
  const events: ProviderEvents = {
    emit: (event, details) => handlers.get(event)?.forEach((handler) => void handler({ ...details })),
    addHandler: (event, handler) => void handlers.set(event, (handlers.get(event) ?? new Set()).add(handler)),
    removeHandler: (event, handler) => void handlers.get(event)?.delete(handler),
    removeAllHandlers: (event) => {
      if (event === undefined) handlers.clear();
      else handlers.delete(event);
    },
    getHandlers: (event) => [...(handlers.get(event) ?? [])],
    setLogger: () => events,
  };
  return events;
}

/** What both providers do alike. */
export interface ProviderParts {
  readonly events: ProviderEvents;
  /** @throws Error when there are no flags to evaluate; the provider is ready as soon as there are */
  readonly initialize: () => Promise<void>;
}

export function providerParts(client: FlagsClient): ProviderParts {
  const events = createEvents();
  const tell = ({ state, problem }: Status): void => {
    const details = problem === null ? {} : { message: problem };
    if (state === 'READY') events.emit('PROVIDER_READY');
    else if (state === 'STALE') events.emit('PROVIDER_STALE', details);
    else if (state === 'ERROR') events.emit('PROVIDER_ERROR', details);
  };
  client.on('change', ({ flags }) => events.emit('PROVIDER_CONFIGURATION_CHANGED', flags === null ? {} : { flagsChanged: flags }));
  const initialize = async (): Promise<void> => {
    const { source, problem } = await client.ready;
    // What happens from here on; what the start ended in is told by how this ends.
    client.on('state', tell);
    if (source === 'defaults') throw new Error(`there are no flags: ${problem}`);
    // The SDK says "ready" when this has ended, whatever there is to say beside it.
    if (client.status().state !== 'READY') setTimeout(() => tell(client.status()), 0);
  };
  return { events, initialize };
}

interface Resolution<T> {
  readonly value: T;
  readonly reason: string;
  readonly variant?: string;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly flagMetadata: Record<string, string>;
}

/** Details as OpenFeature has them; `flagSetId` and `version` are what its telemetry reads. */
export function resolutionOf<T extends FlagValue>(
  { value, reason, variant, rule, errorCode, errorMessage }: Details<T>,
  client: FlagsClient,
): Resolution<T> {
  const { environment, seq } = client.status();
  return {
    value,
    reason,
    ...(variant === null ? {} : { variant }),
    ...(errorCode === null ? {} : { errorCode, errorMessage: errorMessage ?? '' }),
    flagMetadata: {
      ...(environment === null ? {} : { flagSetId: environment, version: String(seq) }),
      ...(rule === null ? {} : { rule }),
    },
  };
}
