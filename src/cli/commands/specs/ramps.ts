import type { CommandSpec, OptionSpec } from '../spec.ts';

const ENV: OptionSpec = { flags: '-e, --env <name>', what: 'environment (default: dev)' };
const WHY: OptionSpec = { flags: '--reason <text>', what: 'why; kept in the record of the ramp' };
const KEY = { syntax: '<key>', what: 'key of the flag' };
const STORE = [21, 'the store cannot be reached'] as const;
const NONE: readonly (readonly [number, string])[] = [
  [3, 'the flag has no ramp here'],
  [4, 'its ramp is over, or what is asked makes no sense now'],
  STORE,
];
const RAMP_JSON =
  '{ ramp, flag, variant, environment, service, status, step: { number, of, what, since }, next: { step, at }, gate: { verdict, reason, checks }, paused, outcome, reason, startedBy, steps }';
const WISH_JSON = '{ ramp, flag, environment, requested, by }';

function wish(name: 'pause' | 'resume' | 'back' | 'promote' | 'cancel', purpose: string, notes: string, example: string): CommandSpec {
  return {
    path: `ramp ${name}`,
    purpose,
    args: [KEY],
    options: [ENV, WHY],
    notes,
    examples: [
      { line: `slipway ramp ${name} release_checkout --env prd --reason '${example}'`, what: 'in prd' },
      { line: `slipway ramp ${name} release_checkout --json`, what: 'in dev, for a program' },
    ],
    exits: NONE,
    json: WISH_JSON,
    load: async () => (await import('../ramp-wish.ts'))[name],
  };
}

/** Commands that turn a flag on step by step. */
export const RAMP_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'ramp start',
    purpose: 'Turn a flag on step by step, each judged before the next.',
    args: [{ syntax: '[key]', what: 'key of the flag; left out with --file' }],
    options: [
      ENV,
      { flags: '--file <name>', what: 'the ramp declared in ramps/NAME.yaml' },
      { flags: '--steps <list>', what: "'off, internal, 1% for 24h, 10% for 1h, 100%'; 10 minutes where no time is given" },
      { flags: '--variant <name>', what: 'the variant that more and more people get (default: on)' },
      { flags: '--internal <segment>', what: 'who has it at the step "internal"' },
      WHY,
    ],
    notes:
      'The worker of the agent drives it (an agent is started when none runs); it survives restarts. A step ends when its time is over and its gate says pass; unknown holds it, and fail turns the flag off at once. Without --file the gate is the share of failed requests of the service (observe.error-rate) and the guards of slipway.yaml. See docs/flags/ramps.md.',
    examples: [
      {
        line: "slipway ramp start release_checkout --env prd --internal staff --steps 'off, internal, 1% for 24h, 10% for 1h, 50% for 1h, 100%' --reason 'new checkout'",
        what: 'as said here',
      },
      { line: "slipway ramp start --file checkout --env prd --reason 'new checkout'", what: 'as ramps/checkout.yaml says' },
    ],
    exits: [[3, 'there is no such flag'], [4, 'the flag cannot be ramped as it is'], [5, 'it has a ramp under way'], STORE],
    json: RAMP_JSON,
    load: async () => (await import('../ramp-start.ts')).run,
  },
  {
    path: 'ramp status',
    purpose: 'Show where a ramp is, what comes next, when, and what its gate says.',
    args: [{ syntax: '[key]', what: 'key of the flag; all ramps of the environment without it' }],
    options: [ENV],
    examples: [
      { line: 'slipway ramp status --env prd', what: 'all of an environment' },
      { line: 'slipway ramp status release_checkout --json', what: 'one, for a program' },
    ],
    exits: [[3, 'the flag never had a ramp here'], STORE],
    json: `{ ramps: [${RAMP_JSON}] }`,
    load: async () => (await import('../ramp-status.ts')).run,
  },
  wish(
    'pause',
    'Keep a ramp at its step; it is judged on.',
    'Nobody gets more until `resume`. A gate that fails turns the flag off all the same.',
    'looking at a graph',
  ),
  wish(
    'resume',
    'Let a paused ramp go on.',
    'After somebody changed the flag its step is set anew from what is there, and its time begins anew.',
    'the change was ours',
  ),
  wish(
    'back',
    'Take a ramp one step back, and keep it there.',
    'At once, whatever the gate says. `resume` lets it go on.',
    'support is overrun',
  ),
  wish(
    'promote',
    'End the step a ramp is at, on your own judgement.',
    'For a gate that stays unknown. One that failed turned the flag off.',
    'nobody comes at night',
  ),
  wish(
    'cancel',
    'End a ramp; the flag stays as it is.',
    'To turn the flag off as well, use `slipway flag kill`: that ends the ramp too.',
    'by hand from here',
  ),
];
