import type { JsonObject, JsonValue } from '../../../kernel/pure.ts';
import type { Definition, ProcessDefinition } from '../definition.ts';

/** Which version a group or route is about. */
export interface Side {
  readonly version: string;
  readonly release: string;
  /** `service/environment/slot`. */
  readonly group: string;
  /** Artifact folder, relative to the state directory. */
  readonly artifact: string;
  readonly definition: Definition;
  /** Its own URL template, where it is known and may differ from the release's. */
  readonly databaseUrl?: string | undefined;
}

/** Which of a version's instances run. */
export type Which = 'all' | 'routed' | ((process: ProcessDefinition) => number);

/** Folder of a version's artifact, relative to the state directory. */
export function artifactFolder(service: string, version: string): string {
  return `artifacts/${service}/${version}`;
}

/** The slot the new version takes: the one the old version does not have. */
export function freeSlot(service: string, environment: string, previousGroup: string | null): string {
  const blue = `${service}/${environment}/blue`;
  return previousGroup === blue ? `${service}/${environment}/green` : blue;
}

/**
 * The target's group for one side, as plain data. `'routed'` leaves the background processes out, so a warm or rehearsing version
 * answers requests but takes no jobs.
 */
export function groupSpec(side: Side, databaseUrl: string | null, which: Which = 'all'): JsonObject {
  const { definition } = side;
  const url = side.databaseUrl ?? databaseUrl;
  const database: Record<string, string> = definition.database === null || url === null ? {} : { [definition.database.env]: url };
  const processes = definition.processes.map((process): JsonValue => ({
    name: process.name,
    argv: process.argv,
    env: { ...database, ...process.env },
    instances: instancesOf(process, which),
    port: process.port,
    health: { ...process.health },
    stopGraceMs: process.stopGraceMs,
    ...partitionsOf(process, side.group),
  }));
  const { service, environment, envFile } = definition;
  return {
    id: side.group,
    service,
    environment,
    version: side.version,
    release: side.release,
    directory: side.artifact,
    processes,
    envFile,
  };
}

/** Workers that share their work divide it from both ends: the two slots never meet while their instances together are as many as declared. */
function partitionsOf({ routed, instances }: ProcessDefinition, group: string): JsonObject {
  return routed || instances < 2 ? {} : { partitions: { count: instances, from: group.endsWith('/green') ? 'last' : 'first' } };
}

function instancesOf(process: ProcessDefinition, which: Which): number {
  if (which === 'all') return process.instances;
  if (which === 'routed') return process.routed ? process.instances : 0;
  return which(process);
}

/** The route with `weight` percent of the requests on the canary, the others on the stable side, as plain data; null when a side takes no traffic. */
export function splitRouteSpec(canary: Side, stable: Side, weight: number): JsonObject | null {
  const open = routeSpec(canary.definition, 'open', canary);
  const [first] = backendsOf(open);
  const [second] = backendsOf(routeSpec(stable.definition, 'open', stable));
  if (open === null || first === undefined || second === undefined) return null;
  return {
    ...open,
    backends: [
      { ...second, weight: 100 - weight },
      { ...first, weight },
    ],
  };
}

function backendsOf(route: JsonObject | null): readonly JsonObject[] {
  return (route?.['backends'] ?? []) as readonly JsonObject[];
}

/** The route with all traffic on one side (or nowhere), as plain data; null when the service takes no traffic. */
export function routeSpec(definition: Definition, mode: 'open' | 'hold' | 'closed', side: Side | null): JsonObject | null {
  if (definition.listen === null) return null;
  const routed = definition.processes.find((process) => process.routed)?.name ?? '';
  const backends: JsonValue = side === null ? [] : [{ group: side.group, version: side.version, weight: 100, process: routed }];
  return { id: `${definition.service}/${definition.environment}`, listen: { ...definition.listen }, mode, backends };
}
