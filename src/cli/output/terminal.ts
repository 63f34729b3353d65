import { redactDeep, type Redactor } from '../../kernel/index.ts';
import { createStyle, type Style } from './style.ts';

/** Where a command writes. Everything passes the redactor on its way out. */
export interface Terminal {
  /** True when the user asked for --json: then stdout carries nothing else. */
  readonly json: boolean;
  /** True when stdout is a terminal that can be redrawn. */
  readonly live: boolean;
  readonly width: number;
  readonly style: Style;
  /** Text for people, on stdout; a newline is added. */
  readonly say: (text: string) => void;
  /** Remarks that are not the answer, on stderr. */
  readonly note: (text: string) => void;
  /** One JSON document on one line of stdout. */
  readonly data: (value: unknown) => void;
  /** Bytes as they are, for drawing and for logs that were redacted when they were written. */
  readonly raw: (text: string) => void;
}

/** The part of a stream that is used. */
export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface TerminalOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  readonly redact: Redactor;
}

const USUAL_WIDTH = 100;
const NARROWEST = 40;

/** The process's own terminal. Colours only on a terminal and without NO_COLOR (https://no-color.org). */
export function createTerminal({ stdout, stderr, environment, json, redact }: TerminalOptions): Terminal {
  // Some pseudo-terminals say 0, meaning that they do not know.
  const columns = stdout.columns ?? 0;
  const tty = stdout.isTTY === true && environment['TERM'] !== 'dumb';
  const colour = tty && (environment['NO_COLOR'] ?? '') === '';
  return {
    json,
    live: tty && !json,
    width: Math.max(NARROWEST, columns === 0 ? USUAL_WIDTH : columns),
    style: createStyle(colour),
    say: (text) => void stdout.write(`${redact(text)}\n`),
    note: (text) => void stderr.write(`${redact(text)}\n`),
    // Redacted value by value: a pattern that ate a quote would break the document.
    data: (value) => void stdout.write(`${JSON.stringify(redactDeep(value, redact))}\n`),
    raw: (text) => void stdout.write(text),
  };
}

/** True when the locale says that text is not UTF-8; where it says nothing, it is: logs of CI are. */
export function isAsciiOnly(environment: Readonly<Record<string, string | undefined>>): boolean {
  const locale = ['LC_ALL', 'LC_CTYPE', 'LANG'].map((name) => environment[name] ?? '').find((value) => value !== '');
  return locale !== undefined && !/utf-?8/i.test(locale);
}
