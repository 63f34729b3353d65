import { z } from 'zod';
import type { GroupSpec, HealthSpec, ProcessSpec } from './ports.ts';

const duration = z.number().min(0);

const health: z.ZodType<HealthSpec> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    path: z.string().startsWith('/'),
    intervalMs: duration.min(10),
    timeoutMs: duration.min(1),
    startWithinMs: duration,
  }),
  z.strictObject({ kind: z.literal('alive'), forMs: duration }),
]);

const process: z.ZodType<ProcessSpec> = z.strictObject({
  name: z.string().min(1),
  argv: z.array(z.string()).min(1),
  env: z.record(z.string(), z.string()),
  instances: z.int().min(0).max(1_000),
  port: z.boolean(),
  health,
  stopGraceMs: duration,
  partitions: z.strictObject({ count: z.int().min(1).max(1_000), from: z.literal(['first', 'last']) }).exactOptional(),
});

/** The shape of a group as it stands in `groups.json` and travels to the agent; meaning is checked by `checkGroupSpec`. */
export const groupSpecSchema: z.ZodType<GroupSpec> = z.strictObject({
  id: z.string(),
  service: z.string().min(1),
  environment: z.string().min(1),
  version: z.string().min(1),
  release: z.string().min(1),
  directory: z.string().min(1),
  processes: z.array(process),
  envFile: z.string().nullable(),
  stopAfterMs: z.number().positive().exactOptional(),
});

/** The first thing wrong with a value, in one line. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? 'invalid' : `${issue.path.join('.') || 'value'}: ${issue.message}`;
}
