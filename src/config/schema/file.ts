import { z } from 'zod';
import { argv, command } from './command.ts';
import { database, databaseFields, owner } from './database.ts';
import { health, processEntry, processFields } from './process.ts';
import { guard, guardFields, metric, metricFields } from './metrics.ts';
import { notify, notifyFields } from './notify.ts';
import { flagKey, name, positiveDuration, relativePath, section } from './scalars.ts';
import { smoke, smokeFields } from './smoke.ts';
import { observe, observeFields, rollback, rollbackFields, strategy } from './watch.ts';

const LISTEN = /^(?:(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):)?([0-9]{1,5})$/;

/** `8080` (all interfaces) or `127.0.0.1:8080`. */
const listen = z.union([z.int(), z.string()]).transform((given, context) => {
  const match = LISTEN.exec(String(given));
  const port = Number(match?.[2] ?? Number.NaN);
  if (match !== null && port >= 1 && port <= 65_535) return { host: (match[1] ?? '0.0.0.0').replaceAll(/[[\]]/g, ''), port };
  context.addIssue({ code: 'custom', message: 'must be a port from 1 to 65535, or an address and a port such as 127.0.0.1:8080' });
  return z.NEVER;
});

const owners = section({
  application: owner.optional().describe('Told when the service or a worker fails.'),
  database: owner.optional().describe('Told when the database or a migration fails.'),
  secrets: owner.optional().describe('Told when a secret is missing or was found where it must not be.'),
});

/** Keys that mean the same at the top and inside an environment, for values that are not merged key by key. */
const plainFields = {
  listen: listen.optional().describe('Where users reach the service: a port, or address:port.'),
  run: argv(['port', 'version', 'release', 'instance']).optional().describe('Short form of `processes` for one routed process, which is called `web`.'),
  health: health.optional().describe('Health endpoint of the short form (default /health).'),
  build: command(true).optional().describe('Makes what is released, such as `npm ci`.'),
  test: command(true).optional().describe('Tests of the change.'),
  scan: command(true).optional().describe('Security scan of the change.'),
  strategy: strategy.optional().describe('How users move to the new version: auto, or a name with the reason for it (default auto).'),
  flags: z.array(flagKey).min(1, 'names no flag; leave it out').max(50).optional().describe('Keys of the flags it carries: they must be off when it is released, and going back turns them off first.'),
  approvals: z.int().min(0).max(20).optional().describe('How many people other than the requester must approve (default 0).'),
  owners: owners.optional().describe('Who is told, by class of failure.'),
  'env-file': relativePath.optional().describe('File with variables, read beside the environment of the worker.'),
};

const SECTIONS = {
  processes: 'Long-running processes by name.',
  database: 'The PostgreSQL database of the service.',
  smoke: 'Checks of the new version before (and after) users reach it.',
  observe: 'How long the new version is watched, and what stops it: 30m, or the long form.',
  rollback: 'What happens when a release fails.',
  metrics: "What a canary is judged by beside the router's counts, by name.",
  guards: 'Values a canary must not stay above, by name.',
  notify: 'Where owners are told of flags that expire.',
};

const serviceFields = {
  service: name.describe('Name of the service.'),
  ...plainFields,
  processes: z.record(name, processEntry).optional().describe(SECTIONS.processes),
  database: database.optional().describe(SECTIONS.database),
  smoke: smoke.optional().describe(SECTIONS.smoke),
  observe: observe.optional().describe(SECTIONS.observe),
  rollback: rollback.optional().describe(SECTIONS.rollback),
  metrics: z.record(name, metric).optional().describe(SECTIONS.metrics),
  guards: z.record(name, guard).optional().describe(SECTIONS.guards),
  notify: notify.optional().describe(SECTIONS.notify),
};

/** Overrides: every key may be absent, or empty to remove what stands at the top. What belongs together is checked after merging. */
const overrides = section(
  nullableShape({
    ...plainFields,
    processes: z.record(name, section(processFields).partial().nullable()).optional().describe(SECTIONS.processes),
    database: section(databaseFields).optional().describe(SECTIONS.database),
    smoke: section(smokeFields).optional().describe(SECTIONS.smoke),
    observe: z.union([positiveDuration, section(observeFields)]).optional().describe(SECTIONS.observe),
    rollback: section(rollbackFields).optional().describe(SECTIONS.rollback),
    metrics: z.record(name, section(metricFields).partial().nullable()).optional().describe(SECTIONS.metrics),
    guards: z.record(name, section(guardFields).partial().nullable()).optional().describe(SECTIONS.guards),
    notify: section(notifyFields).partial().optional().describe(SECTIONS.notify),
  }),
);

function nullableShape(shape: Readonly<Record<string, z.ZodType>>): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, describeAs(schema.nullable(), schema)]));
}

function describeAs(schema: z.ZodType, like: z.ZodType): z.ZodType {
  return like.description === undefined ? schema : schema.describe(like.description);
}

/**
 * What stands at the top and in each environment, taken by itself: keys and types only.
 * Merging hides a value that an environment replaces, but not its mistakes.
 */
export const layersSchema = z.object({ top: overrides, environments: z.record(name, overrides.nullable()).optional() });

/** The whole file, as published. Also what one environment is parsed with after merging (then without `environments`). */
export const fileSchema = section({
  ...serviceFields,
  environments: layersSchema.shape.environments.describe('Environments of this service, each with what differs there; maps are merged, everything else is replaced, an empty value removes.'),
});

export type ServiceEntry = Omit<z.output<typeof fileSchema>, 'environments'>;
