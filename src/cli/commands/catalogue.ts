import type { CommandSpec } from './spec.ts';
import { CONTROL_COMMANDS } from './specs/control.ts';
import { DATABASE_COMMANDS } from './specs/database.ts';
import { LOOK_COMMANDS } from './specs/look.ts';
import { MACHINE_COMMANDS } from './specs/machine.ts';
import { RELEASE_COMMANDS } from './specs/release.ts';

/** All commands, in the order in which a reader of --help meets them. */
export const COMMANDS: readonly CommandSpec[] = [
  ...RELEASE_COMMANDS,
  ...LOOK_COMMANDS,
  ...CONTROL_COMMANDS,
  ...DATABASE_COMMANDS,
  ...MACHINE_COMMANDS,
];

/** What the commands that only hold others are for. */
export const GROUPS: Readonly<Record<string, string>> = {
  evidence: 'Export, verify or show the proof of a release.',
  db: 'Judge and change a database without harm.',
  agent: 'Run, start, stop or look at the local supervisor.',
};
