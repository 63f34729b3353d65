/** What every room's pure `core/` may use: no clock, no randomness, no I/O. */
export * from './core/verdict.ts';
export * from './core/instant.ts';
export * from './core/json.ts';
export * from './core/errors.ts';
export * from './core/redact.ts';
export * from './core/secret-variables.ts';
export * from './core/assert.ts';
export * from './core/template.ts';
export * from './core/sentence.ts';
