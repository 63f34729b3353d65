import { join } from 'node:path';
import { readConsumers, readQueries, type Consumer, type DeclaredQuery, type Part } from '../../database/index.ts';
import type { Definition } from '../core/definition.ts';
import type { ReadyVersion } from './ports.ts';

/** The parts of a version that are proven, each with the queries that are asked for it. */
export type QuerySets = ReadonlyMap<Part, readonly DeclaredQuery[]>;

/** What of a version there is to be proven. */
function partsOf({ processes, smoke }: Definition): readonly Part[] {
  const routed = processes.some((process) => process.routed);
  const background = processes.some((process) => !process.routed) || smoke.worker.length > 0;
  return [...(routed ? (['service'] as const) : []), ...(background || !routed ? (['workers'] as const) : [])];
}

/**
 * Its own query set goes to its first part; each folder inside the folder of queries is a consumer of its own.
 * @param more asked of the version, beside what it declares
 * @throws SlipwayError as `readQueries`
 */
export async function querySets({ definition, folder, version }: ReadyVersion, more: readonly DeclaredQuery[]): Promise<QuerySets> {
  const parts = partsOf(definition);
  const sets = new Map<Part, readonly DeclaredQuery[]>(parts.map((part) => [part, []]));
  const queries = definition.database?.queries;
  const own = queries === undefined ? [] : await readQueries(join(folder, queries), `${queries} of ${version}`);
  sets.set(parts[0] ?? 'workers', [...own, ...more]);
  if (queries === undefined) return sets;
  for (const name of await readConsumers(join(folder, queries)))
    sets.set(`consumer ${name}`, await readQueries(join(folder, queries, name), `${queries}/${name} of ${version}`));
  return sets;
}

export const isConsumer = (part: Part): part is Consumer => part.startsWith('consumer ');
