export { featureFlagAttributes } from './attributes.ts';
export type { ClientOptions } from './options.ts';
export type { Change, ClientEvents, FlagsClient, FlagsSnapshot, Ready, Source, State, Status } from './types.ts';
