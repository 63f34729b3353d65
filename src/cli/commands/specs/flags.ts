import type { ArgSpec, CommandSpec, OptionSpec } from '../spec.ts';

export const FLAG_ENV: OptionSpec = { flags: '-e, --env <name>', what: 'environment (default: dev)' };
export const KEY: ArgSpec = { syntax: '<key>', what: 'key of the flag' };
export const WHY: OptionSpec = { flags: '--reason <text>', what: 'why; kept in the history' };
export const NO_FLAG = [3, 'there is no such flag in this environment'] as const;
export const STORE = [21, 'the store cannot be reached'] as const;

/** Commands about feature flags. */
export const FLAG_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'flag create',
    purpose: 'Make a feature flag, which is off.',
    args: [{ syntax: '<key>', what: 'TYPE_FEATURE, or TYPE_FEATURE_VARIANT: release_checkout' }],
    options: [
      FLAG_ENV,
      {
        flags: '--type <type>',
        what: 'why it is there: release and experiment go when they are done, ops and permission may stay',
        choices: ['release', 'ops', 'experiment', 'permission'],
      },
      { flags: '--owner <who>', what: 'who answers for it: a person or a team' },
      { flags: '--expires <when>', what: 'when it should be gone: 2027-03-31, or 90d from now; never, for ops and permission' },
      { flags: '--value-type <type>', what: 'of its values (default: boolean)', choices: ['boolean', 'string', 'number', 'json'] },
      { flags: '--variant <name=value>', what: 'a value it may have (default: on=true and off=false); may be repeated', many: true },
      { flags: '--off <variant>', what: 'the safe one, served while it is off (default: off, else the first)' },
      { flags: '--serve <variant>', what: 'served to everybody once it is on (default: on, else the safe one)' },
      { flags: '--name <text>', what: 'what people call it' },
      { flags: '--description <text>', what: 'what it does' },
      { flags: '--tag <tag>', what: 'to find it by; may be repeated', many: true },
      WHY,
    ],
    notes:
      'An environment is any name; where a slipway.yaml is here that lists its environments, it is one of those. No slipway.yaml is needed.',
    examples: [
      { line: 'slipway flag create release_checkout --type release --owner shop --expires 90d', what: 'on or off' },
      {
        line: 'slipway flag create ops_page_size --type ops --owner shop --value-type number --variant small=20 --variant large=100',
        what: 'one of several values',
      },
    ],
    exits: [[5, 'there is one of that key'], STORE],
    json: '{ environment, seq, key, flag }',
    load: async () => (await import('../flag-create.ts')).run,
  },
  {
    path: 'flag list',
    purpose: 'List the flags of an environment, and what they do.',
    options: [FLAG_ENV],
    examples: [
      { line: 'slipway flag list', what: 'in dev' },
      { line: 'slipway flag list --env prd --json', what: 'whole, for a program' },
    ],
    exits: [STORE],
    json: '{ environment, seq, flags: [{ key, revision, flag }] }',
    load: async () => (await import('../flag-look.ts')).list,
  },
  {
    path: 'flag show',
    purpose: 'Show one flag whole: its values, who gets which, who answers for it, who turned it off, and where else it is on.',
    args: [KEY],
    options: [FLAG_ENV],
    examples: [
      { line: 'slipway flag show release_checkout', what: 'in dev' },
      { line: 'slipway flag show release_checkout --env prd --json', what: 'its definition' },
    ],
    exits: [NO_FLAG, STORE],
    json: '{ environment, seq, key, revision, flag, kill: { seq, at, actor, reason, wasOn } | null, turnedOff: { seq, at, actor, reason } | null, delivery, onElsewhere }; "turnedOff": by which it is off, where that is no kill; "delivery" as of flag kill, null where the flag is not killed; "onElsewhere" as of flag kill',
    load: async () => (await import('../flag-look.ts')).show,
  },
  {
    path: 'flag history',
    purpose: 'Tell who changed flags, when and why, and what was different before.',
    args: [{ syntax: '[key]', what: 'only of this flag or segment' }],
    options: [
      FLAG_ENV,
      { flags: '--limit <number>', what: 'how many (default: 20)' },
      { flags: '--before <seq>', what: 'only changes before this one' },
    ],
    examples: [
      { line: 'slipway flag history', what: 'the newest 20 changes' },
      { line: 'slipway flag history release_checkout --env prd', what: 'of one flag' },
    ],
    exits: [[3, 'there never was such a flag'], STORE],
    json: '{ environment, changes: [{ environment, seq, at, actor, reason, action, acknowledge, writes: [{ kind, key, before, after, differences: [{ path, before, after }] }] }] }',
    load: async () => (await import('../flag-history.ts')).run,
  },
  {
    path: 'flag explain',
    purpose: 'Say why somebody gets what they get, now or after an earlier change.',
    args: [KEY],
    options: [
      FLAG_ENV,
      { flags: '--context <object>', what: 'whom the flag is asked for, in JSON or YAML, or @FILE' },
      { flags: '--user <key>', what: 'the targeting key' },
      { flags: '--at <seq>', what: 'as it was after this change (`slipway flag history` numbers them)' },
    ],
    notes: 'Asks the evaluator that clients have, so the answer is theirs.',
    examples: [
      { line: 'slipway flag explain release_checkout --user user-1', what: 'by the targeting key alone' },
      {
        line: `slipway flag explain release_checkout --env prd --context '{"targetingKey": "user-1", "plan": "pro"}' --at 41`,
        what: 'as it was before somebody changed it',
      },
    ],
    exits: [[3, 'there is no such flag, or was none then, or no such change'], STORE],
    json: '{ environment, key, seq, evaluation: { key, value, variant, reason, rule, prerequisite, errorCode, errorMessage }, steps: [{ step, ... }] }; of a rule its condition with the answer (yes, no, unfit) of each part, of a split the bucket',
    load: async () => (await import('../flag-explain.ts')).run,
  },
];
