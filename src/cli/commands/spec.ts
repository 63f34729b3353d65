import type { Terminal } from '../output/terminal.ts';
import type { Secrets } from '../secrets.ts';

/** A command as data: what it is called, what it takes, how it is explained, and where its code is. */
export interface CommandSpec {
  /** `release`, or `evidence verify` for one inside a group. */
  readonly path: string;
  /** One line: what it is for. */
  readonly purpose: string;
  readonly args?: readonly ArgSpec[];
  readonly options?: readonly OptionSpec[];
  /** What else a reader of --help should know. */
  readonly notes?: string;
  readonly examples: readonly Example[];
  /** Exit codes beyond the common ones (0, 2, 70), each with its meaning. */
  readonly exits?: readonly (readonly [code: number, meaning: string])[];
  /** What --json prints. */
  readonly json: string;
  /** Only the chosen command's code is loaded: that keeps every start quick. */
  readonly load: () => Promise<Handler>;
}

/** `[release]` may be left out, `<directory>` may not. */
export interface ArgSpec {
  readonly syntax: string;
  readonly what: string;
}

export interface OptionSpec {
  /** As commander reads it: `-e, --env <name>`. */
  readonly flags: string;
  readonly what: string;
  /** True for one that may be given several times. */
  readonly many?: boolean;
  readonly choices?: readonly string[];
}

export interface Example {
  readonly line: string;
  readonly what: string;
}

/** Does the work; answers the exit code. */
export type Handler = (call: Call) => Promise<number>;

/** One invocation. */
export interface Call {
  readonly args: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
  /** Absolute path of the workspace. */
  readonly directory: string;
  /** The configuration file when one was named, absolute. */
  readonly config: string | null;
  readonly terminal: Terminal;
  /** Hides what this process knows to be secret, on the terminal and in its log. */
  readonly secrets: Secrets;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** An option's text; undefined when it was not given. */
export function text(call: Call, name: string): string | undefined {
  const value = call.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** True when the switch was given. */
export function flag(call: Call, name: string): boolean {
  return call.options[name] === true;
}

/** All values of an option that may be given several times. */
export function many(call: Call, name: string): readonly string[] {
  const value = call.options[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
