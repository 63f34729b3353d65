import type { CommandSpec, OptionSpec } from '../spec.ts';

const FLAG_ENV: OptionSpec = { flags: '-e, --env <name>', what: 'environment (default: dev)' };
const DRY_RUN: OptionSpec = { flags: '--dry-run', what: 'say what would be written, and write nothing' };
const BAD_FILE = [2, 'a file is wrong; every line of it is named'] as const;
const STORE = [21, 'the store cannot be reached'] as const;

/** Flags in the code and in the repository. */
export const FLAG_FILE_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'flag diff',
    purpose: 'Compare flags/*.yaml with an environment: what an apply would add, change and remove.',
    options: [FLAG_ENV],
    notes:
      'Each difference says whose doing it is: the files are ahead, or somebody changed the flag on the server since the files had it. docs/flags/lifecycle.md describes the files.',
    examples: [
      { line: 'slipway flag diff -e prd', what: 'before an apply' },
      { line: 'slipway flag diff -e prd --json', what: 'for a program' },
    ],
    exits: [[6, 'they differ'], BAD_FILE, STORE],
    json: '{ environment, seq, differences: [{ kind, key, change, fields: [{ field, server, files }], server, files, changedOnServer: { seq, at, actor, action, reason } | null }] }; "change" is add, change or remove',
    load: async () => (await import('../flag-diff.ts')).run,
  },
  {
    path: 'flag apply',
    purpose: 'Make an environment what flags/*.yaml say, in one change.',
    options: [
      FLAG_ENV,
      { flags: '--reason <text>', what: 'why; kept in the history' },
      { flags: '--overwrite <key>', what: 'give up what was changed on the server for this one; may be repeated', many: true },
      DRY_RUN,
    ],
    notes:
      'Refused as a whole when a flag was changed on the server since the files had it, by a kill for example: bring that into the files with `slipway flag pull`, or give it up with --overwrite. A killed flag is not turned on by an apply, whatever is overwritten: `slipway flag unkill` does that. A flag that is taken out of the files is removed; one that never was in them is left alone.',
    examples: [
      { line: 'slipway flag apply -e prd --dry-run', what: 'for a pull request' },
      { line: 'slipway flag apply -e prd --reason "pull request 412"', what: 'after the merge' },
    ],
    exits: [BAD_FILE, [4, 'a killed flag would be on again'], [5, 'a flag was changed on the server since'], STORE],
    json: '{ environment, dryRun, seq, applied: [{ kind, key, change, fields, server, files }], left: [{ kind, key }] }; "seq" is null when nothing was written',
    load: async () => (await import('../flag-apply.ts')).run,
  },
  {
    path: 'flag pull',
    purpose: 'Bring what was changed on the server (a kill at night) into flags/*.yaml, to be committed.',
    options: [FLAG_ENV, { flags: '--all', what: 'also where the files are ahead: then they say just what the server says' }, DRY_RUN],
    notes:
      "What differs from a flag's own keys is written below its `environments`; flags that no file declares get a file each. Comments stay. flags/pulled.json remembers up to which change of an environment the files have everything; commit it too.",
    examples: [
      { line: 'slipway flag pull -e prd', what: 'after a change that did not come from the files' },
      { line: 'slipway flag pull -e prd --all', what: 'first files for flags that are there' },
    ],
    exits: [BAD_FILE, STORE],
    json: '{ environment, seq, dryRun, files, pulled, ahead }; the last two are as the differences of `flag diff`',
    load: async () => (await import('../flag-pull.ts')).run,
  },
  {
    path: 'flag import',
    purpose: 'Write flags/*.yaml from the flags of another system, and say flag by flag what could not be carried over.',
    args: [{ syntax: '<file>', what: 'its document' }],
    options: [
      {
        flags: '--from <system>',
        what: 'whose document it is (JSON): flagd, or unleash (an export, or /api/client/features)',
        choices: ['flagd', 'unleash'],
      },
      { flags: '--owner <who>', what: 'who answers for flags whose owner it does not say' },
      {
        flags: '--type <type>',
        what: 'what they are, where the document does not say (default: release)',
        choices: ['release', 'ops', 'experiment', 'permission'],
      },
      {
        flags: '--expires <when>',
        what: 'when they should be gone: 2027-03-31, or 90d from now (default: 90d; never, for ops and permission)',
      },
      { flags: '--only-new', what: 'leave what files declare already as it is, and say what of it is otherwise there' },
      DRY_RUN,
    ],
    notes:
      'The server is not asked: look at the files, commit them, then `slipway flag apply`. A flag is carried over whole or left out. Where files declare some of it already, nothing is written without --only-new. docs/flags/lifecycle.md says what is carried, and where answers differ.',
    examples: [
      { line: 'slipway flag import flags.flagd.json --from flagd --owner shop --dry-run', what: 'what would be left out or differ' },
      { line: 'slipway flag import flags.flagd.json --from flagd --owner shop', what: 'a file for each flag' },
      { line: 'slipway flag import export.json --from unleash --owner shop', what: 'from Unleash' },
      { line: 'slipway flag import export.json --from unleash --owner shop --only-new', what: 'once more, for what came since' },
    ],
    exits: [
      [2, 'it is no such document, or flags are declared already, without --only-new'],
      [6, 'something was left out'],
    ],
    json: '{ files, flags: [key], dryRun, told: [{ flag, kind, message }], left: [{ kind, key, file, differs }] }; "kind" of what is told is left-out, renamed or differs; "left": what files declare already, and in what it is otherwise there',
    load: async () => (await import('../flag-exchange.ts')).importFlags,
  },
  {
    path: 'flag export',
    purpose: 'Print the flags of an environment for another system, and say what could not be carried over.',
    options: [
      FLAG_ENV,
      { flags: '--to <format>', what: 'flagd (JSON), or yaml as a file of flags (default: yaml)', choices: ['flagd', 'yaml'] },
    ],
    examples: [
      { line: 'slipway flag export -e prd --to flagd > flags.flagd.json', what: 'for flagd' },
      { line: 'slipway flag export -e prd --to yaml > flags/prd.yaml', what: 'as a file of flags' },
    ],
    exits: [[6, 'something was left out'], STORE],
    json: '{ environment, seq, document, told: [{ flag, kind, message }] }',
    load: async () => (await import('../flag-exchange.ts')).exportFlags,
  },
  {
    path: 'flag test',
    purpose: 'Check the assertions of flags/*.yaml: who is served what.',
    args: [{ syntax: '[key]', what: 'only this flag' }],
    options: [{ flags: '-e, --env <name>', what: 'only in this environment (default: in every one that a file names)' }],
    notes: 'Needs no server: the files are evaluated as a client would. No assertion at all does not pass.',
    examples: [
      { line: 'slipway flag test', what: 'in CI, for every pull request' },
      { line: 'slipway flag test release_new-checkout -e prd', what: 'one flag in one environment' },
    ],
    exits: [BAD_FILE, [6, 'an assertion failed, or there is none']],
    json: '{ verdict, results: [{ environment, flag, name, place: { file, line, column }, context, verdict, differences: [{ what, expected, actual }] }] }',
    load: async () => (await import('../flag-test.ts')).run,
  },
  {
    path: 'flag refs',
    purpose: 'Find where the code asks for flags, or names them.',
    args: [{ syntax: '[key]', what: 'only this flag' }],
    options: [
      { flags: '--cleanup', what: 'say of each place what it becomes when the flag is gone for good; needs a key' },
      {
        flags: '--variant <name>',
        what: 'the variant that stays, for --cleanup (default: the one that everybody gets, where that is one)',
      },
      { flags: '-e, --env <name>', what: 'environment whose variant stays, for --cleanup, where the files differ (default: prd)' },
    ],
    notes:
      'TypeScript and JavaScript are parsed: calls of @slipway/flags and OpenFeature are found with their keys, through constants, templates, enums and imports by relative paths. A key that is computed cannot be known, and is told as such. In other languages keys of flags/*.yaml are searched as text. What .gitignore names is left out.',
    examples: [
      { line: 'slipway flag refs', what: 'all flags' },
      { line: 'slipway flag refs release_new-checkout', what: 'one flag' },
      { line: 'slipway flag refs release_new-checkout --cleanup --variant on', what: 'what to change to get rid of it' },
    ],
    exits: [[4, 'this is no git repository']],
    json: '{ scanned: { parsed, asText }, unread: [{ file, why }], references: [{ key, file, line, column, by, callee, gives, written, indirect, site }], cleanup: [{ file, line, becomes }] | null }; "by" is call, name or text; a null "key" cannot be known',
    load: async () => (await import('../flag-refs.ts')).run,
  },
];
