import type { CommandSpec } from './spec.ts';
import { CONTROL_COMMANDS } from './specs/control.ts';
import { DATABASE_COMMANDS } from './specs/database.ts';
import { FLAG_CHANGE_COMMANDS } from './specs/flag-change.ts';
import { FLAG_COMMANDS } from './specs/flags.ts';
import { FLAG_FILE_COMMANDS } from './specs/flag-files.ts';
import { FLAG_LIFE_COMMANDS } from './specs/flag-life.ts';
import { LOOK_COMMANDS } from './specs/look.ts';
import { MACHINE_COMMANDS } from './specs/machine.ts';
import { RAMP_COMMANDS } from './specs/ramps.ts';
import { RELEASE_COMMANDS } from './specs/release.ts';
import { SERVE_COMMANDS } from './specs/serve.ts';
import { TOKEN_COMMANDS } from './specs/tokens.ts';

/** All commands, in the order in which a reader of --help meets them. */
export const COMMANDS: readonly CommandSpec[] = [
  ...RELEASE_COMMANDS,
  ...LOOK_COMMANDS,
  ...CONTROL_COMMANDS,
  ...DATABASE_COMMANDS,
  ...FLAG_COMMANDS,
  ...FLAG_CHANGE_COMMANDS,
  ...FLAG_FILE_COMMANDS,
  ...FLAG_LIFE_COMMANDS,
  ...SERVE_COMMANDS,
  ...TOKEN_COMMANDS,
  ...RAMP_COMMANDS,
  ...MACHINE_COMMANDS,
];

/** What the commands that only hold others are for. */
export const GROUPS: Readonly<Record<string, string>> = {
  evidence: 'Export, verify or show the proof of a release.',
  ramp: 'Turn a feature flag on step by step, each judged before the next.',
  db: 'Judge and change a database without harm.',
  flag: 'Feature flags: make, change, explain and kill them.',
  token: 'Who may ask `slipway serve` for flags, or change them.',
  agent: 'Run, start, stop or look at the local supervisor.',
};
