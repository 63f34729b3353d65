export type { LedgerEntry, LedgerRecord, PackInput, Pins, SigningKeys } from './ports.ts';
export type { LedgerFact } from './core/chain.ts';
export { parseRecord } from './core/chain.ts';
export { verdictOf, type PackVerdict, type StepStory, type Story } from './core/story.ts';
export { fingerprint } from './adapters/crypto.ts';
export { canonicalJson, checkChain, keyFingerprints, nextEntry } from './ledger.ts';
export { loadOrCreateKeys } from './keys.ts';
export { exportPack, type ExportedPack } from './export.ts';
export { verifyPack, type PackVerification } from './verify.ts';
