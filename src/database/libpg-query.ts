import { setFlagsFromString } from 'node:v8';
import type * as Library from 'libpg-query';

let loading: Promise<typeof Library> | null = null;

/**
 * PostgreSQL's own parser (WASM), loaded on first use because it costs 100 ms.
 *
 * V8 is told to leave it as first compiled. Optimising it in the background took a short command three times as long and made
 * hundreds of files no faster; and a process that ends while that goes on may never end (Node's issue 54918: one in some
 * hundred runs of `db lint`).
 */
export function libpgQuery(): Promise<typeof Library> {
  if (loading === null) {
    // The first implies the others only where it is given to V8 at its start.
    for (const flag of ['--liftoff-only', '--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag);
    loading = import('libpg-query');
  }
  return loading;
}
