export type { ParseOptions } from './parse.ts';
export { CONFIG_FILE, loadConfig, loadSet, type LoadedConfig } from './load.ts';
export { backfillNames, loadBackfill } from './backfill.ts';
export type { ServiceSet } from './set.ts';
export type { Problem } from './core/problem.ts';
export { USUAL_CANARY } from './core/usual-canary.ts';
export { nearest } from './core/nearest.ts';
export type { Detection, DetectedProcess } from './detect.ts';
export { suggestConfig } from './suggest.ts';
