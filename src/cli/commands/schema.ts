import { readFileSync } from 'node:fs';
import type { Handler } from './spec.ts';

/** Prints the JSON Schema of slipway.yaml, as published. */
export const run: Handler = async ({ terminal }) => {
  terminal.raw(readFileSync(new URL('../../../schema/slipway.schema.json', import.meta.url), 'utf8'));
  return 0;
};
