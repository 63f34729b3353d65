import { z } from 'zod';
import type { CommandDefinition } from '../domain.ts';
import { splitCommand, type Split } from '../core/split.ts';
import { positiveDuration, section, variables, wrongReference } from './scalars.ts';

/** References with a value in build, test, scan, migrate, backup and smoke commands. */
export const COMMAND_REFERENCES = ['version', 'release'];

/** A command line or a list of words -> argv. */
export function argv(plain: readonly string[]) {
  return z.union([z.string().transform((line, context) => checked(splitCommand(line), plain, context)), words(plain)]);
}

/** A list of words -> argv. */
export function words(plain: readonly string[]) {
  return z
    .array(z.string())
    .min(1, 'is an empty list; the first word names the program')
    .transform((list, context) => checked(fromList(list), plain, context));
}

function checked(split: Split, plain: readonly string[], context: z.core.$RefinementCtx): readonly string[] {
  const wrong = split.ok ? split.argv.map((word) => wrongReference(word, plain)).find((found) => found !== null) : split.reason;
  if (split.ok && wrong === undefined) return split.argv;
  context.addIssue({ code: 'custom', message: wrong ?? '' });
  return z.NEVER;
}

function fromList(list: readonly string[]): Split {
  if (list[0]?.trim() === '') return { ok: false, reason: 'starts with an empty word; the first word names the program' };
  if (list.some((word) => word.includes('\0'))) return { ok: false, reason: 'contains a NUL character' };
  return { ok: true, argv: list };
}

/** Long form of a command. */
export const commandFields = {
  run: argv(COMMAND_REFERENCES).describe('The command: a line without shell features, or a list of words.'),
  timeout: positiveDuration.optional().describe('Longest time it may take (default 30m).'),
  env: variables(COMMAND_REFERENCES).optional().describe('Variables for this command.'),
  rerunnable: z.boolean().optional().describe('True when running it twice has the effect of running it once (decides what happens after a crash in the middle).'),
};

const DEFAULT_COMMAND_TIMEOUT_MS = 30 * 60_000;

/** A command in any of its three forms. `rerunnable` is the default for this kind of command. */
export function command(rerunnable: boolean, timeoutMs: number = DEFAULT_COMMAND_TIMEOUT_MS) {
  return z.union([argv(COMMAND_REFERENCES), section(commandFields)]).transform(
    (given): CommandDefinition => ('run' in given ? commandOf(given, rerunnable, timeoutMs) : { argv: given, timeoutMs, env: {}, rerunnable }),
  );
}

type CommandFields = z.output<ReturnType<typeof section<typeof commandFields>>>;

/** The long form with its defaults filled in. */
export function commandOf(given: CommandFields, rerunnable: boolean, timeoutMs: number = DEFAULT_COMMAND_TIMEOUT_MS): CommandDefinition {
  return { argv: given.run, timeoutMs: given.timeout ?? timeoutMs, env: given.env ?? {}, rerunnable: given.rerunnable ?? rerunnable };
}
