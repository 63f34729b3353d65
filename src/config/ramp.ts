import type { RampDeclaration } from '../release/index.ts';
import { loadDeclared } from './declared.ts';
import { rampSchema, toRamp } from './schema/ramp.ts';

const RAMPS = {
  folder: 'ramps',
  word: 'ramp',
  schema: rampSchema,
  read: toRamp,
  hint: 'Declare it there: flag, steps, and what judges it (docs/flags/ramps.md).',
};

/** Reads a ramp by its name. @throws SlipwayError as `loadDeclared` */
export function loadRamp(workspace: string, name: string): Promise<RampDeclaration> {
  return loadDeclared(RAMPS, workspace, name);
}
