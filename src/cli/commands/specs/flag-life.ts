import type { CommandSpec } from '../spec.ts';
import { FLAG_ENV, STORE, WHY } from './flags.ts';

/** Commands about how flags end. */
export const FLAG_LIFE_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'flag stale',
    purpose: 'Say which flags may go, why, and whose they are; and which keys the code asks for that no flag has.',
    options: [
      FLAG_ENV,
      { flags: '--after <time>', what: 'how long one variant, or silence, must have lasted to say something (default: 14d)' },
      {
        flags: '--fail-on <reason>',
        what: 'exit with 6 when a flag may go for this; may be repeated',
        choices: ['expired', 'one-variant', 'never-evaluated', 'not-in-code', 'no-flag', 'any'],
        many: true,
      },
      { flags: '--strict', what: 'with --fail-on: what cannot be known fails too' },
    ],
    notes:
      'A flag may go when it has expired; when everybody has had one variant for that long, shares of 100 % too (release and experiment flags); when it was never evaluated, as far as is counted; or when no code names it and nobody evaluated it for that long (it may be in another repository). A flag that another one requires is needed. The code is that of the folder, if it is a git repository; what cannot be known is told as unknown. `slipway flag refs KEY --cleanup` then says what to change where. no-flag: the code asks for a key that no flag of the environment has.',
    examples: [
      { line: 'slipway flag stale -e prd', what: 'what may go, by owner' },
      { line: 'slipway flag stale -e prd --fail-on expired --fail-on no-flag', what: 'in CI' },
    ],
    exits: [[6, 'there is one, of those that --fail-on names'], STORE],
    json: '{ environment, seq, at, after, failed, flags: [{ key, owner, type, verdict, checks: [{ name, verdict, reason }], madeAt, fixed: { variant, dealtBy, since, seq } | null }], dangling: [{ key, file, line }] }; a flag whose "verdict" is fail may go',
    load: async () => (await import('../flag-stale.ts')).run,
  },
  {
    path: 'flag reasons',
    purpose: 'Say whether each change of an environment must give a reason, or let it be so.',
    options: [
      FLAG_ENV,
      { flags: '--required', what: 'from now on a change without a reason is refused' },
      { flags: '--optional', what: 'not any more' },
      WHY,
    ],
    notes:
      'Kept in the store, so that it holds for commands and for the API alike: flags, segments and tokens (of a new one its --description). A kill, taking it back, an apply and the start of a ramp always need a reason. Who turned this on or off is in the history.',
    examples: [
      { line: 'slipway flag reasons -e prd', what: 'is one needed?' },
      { line: "slipway flag reasons -e prd --required --reason 'audit'", what: 'from now on' },
    ],
    exits: [STORE],
    json: '{ environment, required, changed, seq }',
    load: async () => (await import('../flag-reasons.ts')).run,
  },
  {
    path: 'flag restored',
    purpose: 'Say that the store was put back from a backup, so that clients do not take its numbers for those they know.',
    options: [{ flags: '-e, --env <name>', what: 'only this environment (default: all)' }, WHY],
    notes:
      'Run it once after every restore, before servers are started again if that can be. The numbers of changes go on far above those that clients may have, and the history of each environment says who did it and why. Running it without a restore does no harm: clients take all flags anew once.',
    examples: [
      { line: "slipway flag restored --reason 'backup of 03:00, after the disk was lost'", what: 'all environments' },
      { line: "slipway flag restored -e prd --reason 'rows put back by hand' --json", what: 'one' },
    ],
    exits: [[3, 'there are no flags'], STORE],
    json: '{ restored: [{ environment, seq, at }] }',
    load: async () => (await import('../flag-restored.ts')).run,
  },
  {
    path: 'flag types',
    purpose: 'Write typed accessors for TypeScript: every key with the type of its values.',
    options: [
      { flags: '--out <file>', what: 'where to (default: stdout)' },
      { flags: '--check', what: 'write nothing; exit with 6 when the file is not as it would be written' },
      {
        flags: '-e, --env <name>',
        what: 'the flags of this environment of the server (default: those of flags/*.yaml, of all environments)',
      },
    ],
    notes:
      'The file gives a client of @slipway/flags these types: `const flags = typedFlags(createClient({ ... }))`. A key that no flag has, and a default of another type, do not compile then.',
    examples: [
      { line: 'slipway flag types --out src/flags.generated.ts', what: 'after a change of flags' },
      { line: 'slipway flag types --out src/flags.generated.ts --check', what: 'in CI' },
    ],
    exits: [[2, 'a file is wrong, or there are no flags'], [6, 'with --check: the file is out of step'], STORE],
    json: '{ out, flags: [key], upToDate, text }; "text" is null with --out, "upToDate" (as it was found) without',
    load: async () => (await import('../flag-types.ts')).run,
  },
];
