import { SlipwayError } from '../../kernel/pure.ts';
import type { GroupSpec, ProcessSpec } from './group.ts';

const GROUP_ID = /^[A-Za-z0-9][\w.-]{0,99}\/[A-Za-z0-9][\w.-]{0,99}\/[A-Za-z0-9][\w.-]{0,99}$/;
const PROCESS_NAME = /^[A-Za-z0-9][\w.-]{0,62}$/;

/** `service/environment` of a group id: what a fence protects. */
export function scopeOf(group: string): string {
  return group.slice(0, Math.max(0, group.lastIndexOf('/')));
}

/** @throws SlipwayError `config_invalid` when the id is not `service/environment/slot` */
export function checkGroupId(group: string): void {
  if (!GROUP_ID.test(group)) throw new SlipwayError('config_invalid', `"${group}" is not a group id of the form service/environment/slot`);
}

/** @throws SlipwayError `config_invalid` naming what no supervisor could run */
export function checkGroupSpec(spec: GroupSpec): void {
  checkGroupId(spec.id);
  if (scopeOf(spec.id) !== `${spec.service}/${spec.environment}`) {
    throw new SlipwayError('config_invalid', `Group "${spec.id}" does not belong to ${spec.service}/${spec.environment}`);
  }
  const names = spec.processes.map((process) => process.name);
  for (const process of spec.processes) {
    const where = `Process "${process.name}" of ${spec.id}`;
    if (!PROCESS_NAME.test(process.name)) throw new SlipwayError('config_invalid', `${where} has a name that is no file name`);
    if (names.indexOf(process.name) !== names.lastIndexOf(process.name))
      throw new SlipwayError('config_invalid', `${where} is listed twice`);
    if (process.argv.length === 0) throw new SlipwayError('config_invalid', `${where} has no command`);
    if (process.health.kind === 'http' && !process.port)
      throw new SlipwayError('config_invalid', `${where} is probed by HTTP but has no port`);
  }
}

/** A place for one running process: the process's name and a number from 0. */
export interface Slot {
  readonly process: ProcessSpec;
  readonly index: number;
}

/** Which part of the work an instance has, from 0; null where it is not divided, and for instances beyond the parts. */
export function partitionOf({ partitions }: ProcessSpec, index: number): number | null {
  if (partitions === undefined || index >= partitions.count) return null;
  return partitions.from === 'first' ? index : partitions.count - 1 - index;
}

/** Every instance the spec asks for. */
export function slotsOf(spec: GroupSpec): readonly Slot[] {
  return spec.processes.flatMap((process) => Array.from({ length: process.instances }, (_, index) => ({ process, index })));
}

/**
 * Everything that makes two runs of an instance the same run, as text. A change of it replaces the process; a change of
 * the number of instances or of the health check does not.
 */
export function identityOf(spec: GroupSpec, process: ProcessSpec): string {
  const env = Object.entries(process.env).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    spec.version,
    spec.release,
    spec.directory,
    spec.envFile,
    process.name,
    process.argv,
    env,
    process.port,
    process.stopGraceMs,
    ...(process.partitions === undefined ? [] : [process.partitions.count, process.partitions.from]),
  ]);
}
