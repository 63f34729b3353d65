import { execFile } from 'node:child_process';
import { SlipwayError } from '../../kernel/index.ts';
import type { SourceFile } from './ports.ts';

/** What a tool whose migrations are programs printed, or was piped in: SQL with the tool's own BEGIN and COMMIT. */
export function printedSql(text: string, name: string): SourceFile {
  return { name, text, direction: 'up', transactions: 'statement', gaps: [] };
}

/** The same of what somebody asks to be judged: from a pipe that broke, or a command that had nothing to say, it must not pass. */
export function pipedSql(text: string, name: string): SourceFile {
  const empty = text.replace(BESIDE_SQL, '').trim() === '';
  const gaps = empty ? [{ line: 1, column: 1, message: 'there is no SQL in it, so nothing was judged' }] : [];
  return { ...printedSql(text, name), gaps, readsAs: 'psql' };
}

/** Comments, and a transaction around nothing. */
const BESIDE_SQL = /--[^\n]*|\/\*[\s\S]*?\*\/|\b(?:BEGIN|COMMIT)\s*;/gi;

const LONGEST_MS = 300_000;
const LARGEST_BYTES = 64 * 1024 * 1024;
/** Of what a command said before it failed. */
const LAST_LINES = 5;

/** What a command printed, or in one sentence why it printed nothing. */
export type Printed =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly missing: boolean; readonly why: string };

/** Runs a command that prints SQL; never throws for what the command does. */
export async function askTool(argv: readonly string[], folder: string, longestMs: number = LONGEST_MS): Promise<Printed> {
  const [command = '', ...args] = argv;
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { cwd: folder, timeout: longestMs, maxBuffer: LARGEST_BYTES, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        if (error === null) resolve({ ok: true, text: stdout });
        else if (isNoProgram(error.code)) resolve({ ok: false, missing: true, why: `${command} was not found` });
        else resolve({ ok: false, missing: false, why: `${argv.join(' ')} ${howItEnded(error, longestMs)}${lastWords(stderr)}` });
      },
    );
  });
}

/** EACCES: a folder of the PATH may not be looked into, or the file is no program. */
function isNoProgram(code: unknown): boolean {
  return code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR' || code === 'ENOEXEC';
}

function howItEnded(
  { killed, code, signal }: { readonly killed?: boolean; readonly code?: unknown; readonly signal?: unknown },
  longestMs: number,
): string {
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `printed more than ${LARGEST_BYTES / 1024 / 1024} MiB`;
  if (killed === true) return `did not end within ${longestMs / 1000} s`;
  return typeof code === 'number' ? `failed with exit ${code}` : `was ended by ${typeof signal === 'string' ? signal : 'a signal'}`;
}

function lastWords(stderr: string): string {
  const lines = stderr.trim().split('\n').slice(-LAST_LINES).join('\n');
  return lines === '' ? '' : `: ${lines}`;
}

/**
 * Runs a command that prints SQL, such as `alembic upgrade head --sql`, and answers what it printed.
 * @throws SlipwayError `command_not_found`, or `usage` when the command fails; its last words are in the message
 */
export async function printWith(argv: readonly string[], folder: string, longestMs?: number): Promise<string> {
  const printed = await askTool(argv, folder, longestMs);
  if (printed.ok) return printed.text;
  throw new SlipwayError(printed.missing ? 'command_not_found' : 'usage', printed.why, {
    hint: printed.missing ? 'Check the spelling and the PATH.' : 'Run it by itself until it prints SQL.',
  });
}
