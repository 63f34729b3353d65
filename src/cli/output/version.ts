import { readFileSync } from 'node:fs';

/** Slipway's own version, from its package.json; the same place seen from src/ and from dist/. */
export function ownVersion(): string {
  return (JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
