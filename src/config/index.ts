export { parseConfig, type ParseOptions } from './parse.ts';
export { CONFIG_FILE, loadConfig, type LoadedConfig } from './load.ts';
export type { Problem } from './core/problem.ts';
export { nearest } from './core/nearest.ts';
export { detectProject, type Detection, type DetectedProcess } from './detect.ts';
export { renderConfig } from './render.ts';
