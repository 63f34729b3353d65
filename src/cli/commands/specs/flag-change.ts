import type { CommandSpec, OptionSpec } from '../spec.ts';
import { FLAG_ENV, KEY, NO_FLAG, STORE, WHY } from './flags.ts';

const CHANGED = '{ environment, seq, key, changed, flag }; "seq" is null and "changed" false when it was so already';
const BY: OptionSpec = {
  flags: '--by <attribute>',
  what: 'what sticks to a variant: users, companies (default: as it is, else targetingKey)',
};
const SPLIT: OptionSpec = { flags: '--split <shares>', what: 'everybody dealt among variants: red=25,blue=75' };
const KILLED = [4, 'it was killed: `slipway flag unkill` takes that back'] as const;
const SOMEWHERE: OptionSpec = { flags: '-e, --env <name>', what: 'environment; may be left out where only one has the flag' };
const WITHIN: OptionSpec = { flags: '--within <time>', what: 'how long to wait for clients to say that they have it (default: 10s)' };
const REACH =
  '{ environment, seq, key, enabled, at, actor, reason, delivery: { servers, heard, connected, acknowledged, lastMs, stale: [{ client, since, address, token, comesBy }], silent: [{ process, host, pid, since, until }], ended: [{ process, host, pid, clients, at, until }], lost: [{ process, host, pid, clients, at, named }], complete } | null }; "comesBy": when one asks again that its server process had no place for, else null; "ended": server processes that ended within the last minute, whose clients may be without it until they come back; "lost": those that ended longer ago, and how many of their clients missed a kill and did not come back as far as is known ("named": those that came back are not among them); nobody waits for these';
const UNACKNOWLEDGED = [
  [
    19,
    'it is done, but not every server process and client has said that it has it, clients of a process that ended within the last minute may be without it, or no server process runs',
  ],
  STORE,
  [130, 'Ctrl-C: no longer waiting; it is done'],
] as const;

/** Commands that change feature flags. */
export const FLAG_CHANGE_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'flag on',
    purpose: 'Turn a flag on: whom it serves is as it says.',
    args: [KEY],
    options: [FLAG_ENV, WHY],
    examples: [
      { line: 'slipway flag on release_checkout', what: 'in dev' },
      { line: "slipway flag on release_checkout --env prd --reason 'ticket 17'", what: 'saying why' },
    ],
    exits: [NO_FLAG, KILLED, STORE],
    json: CHANGED,
    load: async () => (await import('../flag-set.ts')).on,
  },
  {
    path: 'flag off',
    purpose: 'Turn a flag off: everybody gets its safe variant. What else it says stays.',
    args: [KEY],
    options: [FLAG_ENV, WHY],
    notes: 'In an emergency use `slipway flag kill`: it waits until the clients have it, and nothing turns the flag on behind your back.',
    examples: [
      { line: 'slipway flag off release_checkout', what: 'in dev' },
      { line: 'slipway flag off release_checkout --env prd', what: 'elsewhere' },
    ],
    exits: [NO_FLAG, STORE],
    json: CHANGED,
    load: async () => (await import('../flag-set.ts')).off,
  },
  {
    path: 'flag set',
    purpose: 'Change what a flag serves to whom no rule holds, its variants, and what people know of it.',
    args: [KEY],
    options: [
      FLAG_ENV,
      { flags: '--percentage <share>', what: 'this share of everybody gets the variant, the others the safe one: 25, 0.5' },
      { flags: '--variant <name>', what: 'the variant that is served; without --percentage to everybody' },
      SPLIT,
      BY,
      { flags: '--value <name=value>', what: 'add a variant, or change its value; may be repeated', many: true },
      { flags: '--remove-variant <name>', what: 'take a variant away; may be repeated', many: true },
      { flags: '--off <variant>', what: 'the safe variant, served while it is off' },
      { flags: '--stale <time>', what: 'a client that hears nothing for so long serves the safe variant; never: it goes on as it was' },
      {
        flags: '--needs <flag=variants>',
        what: 'serve the safe variant where that flag serves none of these; may be repeated',
        many: true,
      },
      { flags: '--needs-not <flag>', what: 'take that away again; may be repeated', many: true },
      { flags: '--owner <who>', what: 'who answers for it' },
      { flags: '--expires <when>', what: 'when it should be gone: 2027-03-31, 90d from now, or never' },
      { flags: '--name <text>', what: 'what people call it' },
      { flags: '--description <text>', what: 'what it does' },
      { flags: '--tag <tag>', what: 'its tags, instead of those it has; may be repeated', many: true },
      WHY,
    ],
    notes:
      'A greater share only adds people to it: nobody who had the variant loses it. Shares may be as small as 0.001 %. Who has no such attribute gets the safe variant.',
    examples: [
      { line: 'slipway flag set release_checkout --percentage 25', what: 'a quarter of the users' },
      { line: 'slipway flag set experiment_button --split red=50,blue=50 --by company', what: 'a test among companies' },
      { line: "slipway flag set ops_page_size --value large=200 --reason 'more memory'", what: 'another value' },
    ],
    exits: [NO_FLAG, STORE],
    json: CHANGED,
    load: async () => (await import('../flag-set.ts')).set,
  },
  {
    path: 'flag target',
    purpose: 'Say who gets what by rules, which are tried in their order before everybody else is served.',
    args: [KEY],
    options: [
      FLAG_ENV,
      { flags: '--rule <name>', what: 'add a rule, or change the one of this name' },
      { flags: '--when <condition>', what: 'who it is for: a condition as in flags/*.yaml, or @FILE with one' },
      { flags: '--serve <variant>', what: 'what they get' },
      SPLIT,
      BY,
      { flags: '--first', what: 'put it before all others (default: where it is, a new one at the end)' },
      { flags: '--before <rule>', what: 'put it before another one' },
      { flags: '--remove <rule>', what: 'take a rule away' },
      WHY,
    ],
    notes:
      'Without options the rules are shown. docs/flags/README.md lists the operators of conditions. A condition as the API has it, { attribute, operator, values }, is understood too.',
    examples: [
      {
        line: "slipway flag target release_checkout --rule pros --when '{ attribute: plan, in: [pro, team] }' --serve on",
        what: 'for some plans',
      },
      {
        line: 'slipway flag target release_checkout --rule staff --when @staff.yaml --serve on --first',
        what: 'from a file, before the others',
      },
      { line: 'slipway flag target release_checkout --remove pros', what: 'no more' },
    ],
    exits: [NO_FLAG, STORE],
    json: `${CHANGED}; without options { environment, key, revision, rules, default }`,
    load: async () => (await import('../flag-target.ts')).run,
  },
  {
    path: 'flag segment',
    purpose: 'Keep named groups that rules of many flags ask for.',
    args: [{ syntax: '[key]', what: 'key of the segment; all are listed without it' }],
    options: [
      FLAG_ENV,
      { flags: '--when <condition>', what: 'who is in it: a condition as in flags/*.yaml, or @FILE with one' },
      { flags: '--description <text>', what: 'who they are' },
      { flags: '--delete', what: 'delete it; not while a flag asks for it' },
      WHY,
    ],
    examples: [
      {
        line: `slipway flag segment staff --when '{ attribute: email, endsWith: "@shop.example" }'`,
        what: 'make it, or change it',
      },
      { line: 'slipway flag segment', what: 'list them' },
      { line: 'slipway flag segment staff --delete', what: 'no more' },
    ],
    exits: [[3, 'there is no such segment in this environment'], STORE],
    json: '{ environment, seq, key, changed, segment }; without options { environment, seq, segments: [{ key, revision, segment }] }',
    load: async () => (await import('../flag-segment.ts')).run,
  },
  {
    path: 'flag delete',
    purpose: 'Delete a flag that no code asks for any more.',
    args: [KEY],
    options: [FLAG_ENV, { flags: '--force', what: 'although it is on' }, WHY],
    notes: 'Its history stays. Code that still asks for it gets its own default, and a warning.',
    examples: [
      { line: 'slipway flag delete release_checkout', what: 'one that is off' },
      { line: "slipway flag delete release_checkout --force --reason 'out of the code since 1.4'", what: 'one that is on' },
    ],
    exits: [NO_FLAG, [4, 'it is on'], [5, 'somebody changed it in the meantime'], STORE],
    json: '{ environment, seq, key }',
    load: async () => (await import('../flag-delete.ts')).run,
  },
  {
    path: 'flag kill',
    purpose: 'Turn a flag off for everybody at once, and say who has heard of it.',
    args: [KEY],
    options: [SOMEWHERE, { flags: '--reason <text>', what: 'why; kept in the history, and needed' }, WITHIN],
    notes:
      'The flag is off once this command says so, whatever the exit code tells of its clients. Needs no slipway.yaml and looks at nothing but this flag: nothing that is wrong elsewhere keeps it from working. Until it is taken back, nothing else turns the flag on. Other environments in which the flag is on are named afterwards.',
    examples: [
      { line: "slipway flag kill release_checkout --env prd --reason 'orders are lost'", what: 'now' },
      {
        line: "slipway flag kill release_checkout --reason 'orders are lost' --within 60s --json",
        what: 'in a script, with more patience',
      },
    ],
    exits: [NO_FLAG, ...UNACKNOWLEDGED],
    json: `${REACH}; "onElsewhere": other environments in which the flag is on, [{ environment, kill }] with the command that kills it there, null where that could not be read; "dependants": flags that require it, [{ flag, isMet }]: with "isMet" false each serves its safe variant too, with true everybody meets it now; null likewise`,
    load: async () => (await import('../flag-kill.ts')).kill,
  },
  {
    path: 'flag unkill',
    purpose: 'Take a kill back: the flag does again what it says.',
    args: [KEY],
    options: [SOMEWHERE, { flags: '--reason <text>', what: 'what was repaired; kept in the history, and needed' }, WITHIN],
    examples: [
      { line: "slipway flag unkill release_checkout --env prd --reason 'repaired in 1.4.2'", what: 'on again, if it was on before' },
      { line: "slipway flag unkill release_checkout --reason 'a false alarm' --json", what: 'in a script' },
    ],
    exits: [NO_FLAG, [4, 'it is not killed'], ...UNACKNOWLEDGED],
    json: REACH,
    load: async () => (await import('../flag-kill.ts')).unkill,
  },
];
