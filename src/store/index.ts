export { openStore, type OpenStore, type StoreHealth, type StoreOptions } from './open.ts';
export { openEmbedded, stopUnusedEmbedded, type Embedded } from './embedded/embedded.ts';
export { refuseForeignStore } from './embedded/owner.ts';
export type { StopMode } from './embedded/postmaster.ts';
export { processExists, thisDriver } from './process.ts';
export { removeIfEmpty, secureSocketDirectory, socketDirectory } from './embedded/socket.ts';
