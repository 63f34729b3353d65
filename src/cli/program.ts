import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Argument, Command, CommanderError, Option } from 'commander';
import { SlipwayError } from '../kernel/index.ts';
import { COMMANDS, GROUPS } from './commands/catalogue.ts';
import type { Call, CommandSpec, OptionSpec } from './commands/spec.ts';
import { failureOf } from './output/failure.ts';
import { helpTail } from './output/help.ts';
import { createTerminal, type Stream } from './output/terminal.ts';
import { ownVersion } from './output/version.ts';
import { createSecrets, type Secrets } from './secrets.ts';

/** What a run of the program works with; tests pass their own. */
export interface Surroundings {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The surroundings and what is known to be secret in them: one registry for all that is said. */
interface Setting extends Surroundings {
  readonly secrets: Secrets;
}

/** Runs the CLI as this process: output drained, exit code set, whatever is left open ended. */
export async function runCli(args: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    // The reader (head, less) has seen enough; a release does not depend on who watches.
    stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  }
  const exit = await run(args, { stdout: process.stdout, stderr: process.stderr, environment: process.env });
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))));
  end(exit);
}

/** What is left open is given so long to close by itself. */
const LEFT_OPEN_MS = 50;

/**
 * Ends as a process does that has nothing more to do; by force only where something is left open. `process.exit` at once may never end: Node
 * waits for V8's background compiler, which may wait for a collection that nobody makes any more (one in six runs of `db lint`, Node 24).
 */
function end(exit: number): void {
  process.exitCode = exit;
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, () => process.exit(exit));
  setTimeout(() => process.exit(exit), LEFT_OPEN_MS).unref();
}

/** Parses and runs one command line. Never throws; answers the exit code. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stderr, environment } = surroundings;
  const setting: Setting = { ...surroundings, secrets: createSecrets(environment) };
  let exit = 0;
  try {
    await buildProgram(setting, (code) => (exit = code)).parseAsync([...args], { from: 'user' });
    return exit;
  } catch (thrown) {
    const cause = refusalOf(thrown);
    if (cause === null) return thrown instanceof CommanderError ? exitOfHelp(thrown) : 0;
    const failure = failureOf(cause, environment['SLIPWAY_DEBUG'] === '1');
    const { redact } = setting.secrets;
    // Parsing may have failed before --json was understood.
    if (args.includes('--json')) createTerminal({ ...setting, stdout: stderr, json: true, redact }).data(failure.json);
    // Servers and files have a say in a message; nothing in it may steer the terminal.
    else stderr.write(`${redact(stripVTControlCharacters(failure.text))}\n`);
    return failure.exit;
  }
}

/** Help that was asked for is a success; help because nothing was said is not. */
function exitOfHelp({ exitCode }: CommanderError): number {
  return exitCode === 0 ? 0 : 2;
}

const SHOWN: ReadonlySet<string> = new Set(['commander.helpDisplayed', 'commander.help', 'commander.version']);

/** Commander's complaints as ours; null when help or the version was shown. */
function refusalOf(thrown: unknown): unknown {
  if (!(thrown instanceof CommanderError)) return thrown;
  if (SHOWN.has(thrown.code)) return null;
  return new SlipwayError('usage', thrown.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' '));
}

/** The program with all its commands; `setExit` receives a command's exit code. */
export function buildProgram(setting: Setting, setExit: (code: number) => void): Command {
  const program = new Command('slipway')
    .description('Takes one change from commit to fully released, or back to where it was, and proves which of the two happened.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void setting.stdout.write(text),
      writeErr: (text) => void setting.stderr.write(text),
      outputError: () => undefined,
    })
    .configureHelp({ helpWidth: Math.min(100, setting.stdout.columns ?? 100), sortSubcommands: false })
    // `release --version 1.2.3` is the release's own option, so options belong to the command they follow.
    .enablePositionalOptions()
    .helpCommand('help [command]', 'show help for a command');
  addGlobals(program);
  program.version(ownVersion(), '-V, --version', 'print the version of Slipway and exit');
  for (const spec of COMMANDS) addCommand(parentOf(spec, program), spec, setting, setExit);
  program.addHelpText('after', helpTail(START));
  return program;
}

const START = {
  examples: [
    { line: 'slipway init', what: 'write a slipway.yaml for this project' },
    { line: 'slipway plan', what: 'see what a release would do' },
    { line: 'slipway release', what: 'release it' },
    { line: 'slipway demo', what: 'see it at work on an example' },
  ],
  notes: 'Exit codes mean the same everywhere; docs/errors.md lists them.',
};

/** The group a command is in, made when its first command is. */
function parentOf({ path }: CommandSpec, program: Command): Command {
  const [first = '', second] = path.split(' ');
  if (second === undefined) return program;
  return program.commands.find((one) => one.name() === first) ?? addGlobals(program.command(first).description(GROUPS[first] ?? ''));
}

function addCommand(parent: Command, spec: CommandSpec, setting: Setting, setExit: (code: number) => void): void {
  const command = parent.command(spec.path.split(' ').at(-1) ?? spec.path).description(spec.purpose);
  for (const { syntax, what } of spec.args ?? []) command.addArgument(new Argument(syntax, what));
  for (const option of spec.options ?? []) command.addOption(optionOf(option));
  addGlobals(command);
  command.addHelpText('after', helpTail(spec));
  command.action(async () => {
    const handler = await spec.load();
    setExit(await handler(callOf(command, setting)));
  });
}

function optionOf({ flags, what, many, choices }: OptionSpec): Option {
  const option = new Option(flags, what);
  if (choices !== undefined) option.choices(choices);
  if (many === true) option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
  return option;
}

/** Understood before and after the command's name. */
function addGlobals(command: Command): Command {
  return command
    .addOption(new Option('-C, --dir <folder>', 'work in this folder (default: the current one)').helpGroup('Global options:'))
    .addOption(new Option('-c, --config <file>', 'configuration file (default: slipway.yaml in the folder)').helpGroup('Global options:'))
    .addOption(new Option('--json', 'print documents for programs instead of text').helpGroup('Global options:'));
}

function callOf(command: Command, setting: Setting): Call {
  const chain: Command[] = [];
  for (let one: Command | null = command; one !== null; one = one.parent) chain.unshift(one);
  const globals: Readonly<Record<string, unknown>> = Object.fromEntries(
    chain.flatMap((one) => Object.entries(one.opts<Record<string, unknown>>())),
  );
  const { environment, secrets } = setting;
  const config = typeof globals['config'] === 'string' ? resolve(globals['config']) : null;
  const directory = resolve(typeof globals['dir'] === 'string' ? globals['dir'] : '.');
  return {
    args: (command.processedArgs as readonly (string | undefined | readonly string[])[]).flat(),
    options: command.opts(),
    directory: realFolder(directory),
    config,
    terminal: createTerminal({ ...setting, json: globals['json'] === true, redact: secrets.redact }),
    secrets,
    environment,
  };
}

/** One folder has one name, so that its agent and its state are found however it was reached. */
function realFolder(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    // Not there: the command says so in its own words.
    return directory;
  }
}
