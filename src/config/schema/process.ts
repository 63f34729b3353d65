import { z } from 'zod';
import type { HealthDefinition } from '../domain.ts';
import { argv } from './command.ts';
import { httpPath, positiveDuration, section, variables } from './scalars.ts';

/** References with a value where a process is started. */
const PROCESS_REFERENCES = ['port', 'version', 'release', 'instance'];

const httpHealth = section({
  path: httpPath.describe('Path that answers 200 when the instance is ready.'),
  interval: positiveDuration.optional().describe('Time between probes (default 2s).'),
  timeout: positiveDuration.optional().describe('Longest time one probe may take (default 2s).'),
  'start-within': positiveDuration.optional().describe('Longest time from start to ready (default 60s).'),
});

const aliveHealth = section({ alive: positiveDuration.describe('An instance that stays alive this long is ready.') });

/** A path, or its long form, or `alive`. */
export const health = z.union([httpPath, httpHealth, aliveHealth]).transform((given): HealthDefinition => {
  if (typeof given === 'string') return httpHealthAt(given);
  if ('alive' in given) return { kind: 'alive', forMs: given.alive };
  const defaults = httpHealthAt(given.path);
  return { ...defaults, intervalMs: given.interval ?? 2_000, timeoutMs: given.timeout ?? 2_000, startWithinMs: given['start-within'] ?? 60_000 };
});

/** An HTTP probe with the usual timings. */
export function httpHealthAt(path: string): HealthDefinition & { readonly kind: 'http' } {
  return { kind: 'http', path, intervalMs: 2_000, timeoutMs: 2_000, startWithinMs: 60_000 };
}

export const ALIVE: HealthDefinition = { kind: 'alive', forMs: 2_000 };

export const processFields = {
  run: argv(PROCESS_REFERENCES).describe('The command that stays running.'),
  instances: z.int().min(1).max(1_000).optional().describe('How many run side by side (default 1).'),
  health: health.optional().describe('Path of the health endpoint; a process that has one gets $PORT. Without it: alive for 2s is ready.'),
  port: z.boolean().optional().describe('Gives each instance a free $PORT (default: when `health` is a path).'),
  routed: z.boolean().optional().describe('Users reach this process (default: the only one with a health path).'),
  env: variables(PROCESS_REFERENCES).optional().describe('Variables for this process.'),
  'stop-grace': positiveDuration.optional().describe('Time from SIGTERM to SIGKILL (default 10s).'),
};

export const processEntry = section(processFields);
export type ProcessEntry = z.output<typeof processEntry>;
