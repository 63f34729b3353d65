export { deltaDocument, snapshotDocument } from './documents.ts';
export { encodeSnapshot, eventFrame, type EncodedSnapshot } from './frames.ts';
export { positionOf } from '../../../packages/flags/src/core/stream/wire.ts';
export { createRing, type Ring } from './ring.ts';
export { createClients, type Clients } from './round.ts';
export { createSigner, loadOrCreateSigner, type Signer } from './signer.ts';
