import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { Redactor } from './pure.ts';
import { createLineSplitter, renderBlock, type LogBlock } from './log-lines.ts';

const DEFAULT_MAX_BYTES = 100 * 1024 * 1024;
const MAX_TAIL_IN_MEMORY = 1024 * 1024;
const SUMMARY_TAIL = 4 * 1024;
/** A percent-encoded secret is up to three times as long as the secret. */
const LONGEST_FORM = 3;
/** What an object in memory costs beside its text, so that many tiny blocks stay bounded too. */
const BLOCK_OVERHEAD = 64;

export interface LogSinkOptions {
  /** Created or emptied. */
  readonly file: string;
  readonly redact: Redactor;
  /** About this much is kept, the first and the last part; the rest is counted. Default 100 MiB. */
  readonly maxBytes?: number;
  /** Length of the longest secret `redact` knows by value. */
  readonly longestSecret?: number;
}

/** What was written: size and sha256 of the file, whether output was dropped, and its last lines (at most 4 KiB). */
export interface LogSummary {
  readonly bytes: number;
  readonly sha256: string;
  readonly truncated: boolean;
  readonly tail: string;
}

/** A redacted log file of bounded size, written in constant memory. */
export interface LogSink {
  /** A new input with its own line buffer, so that stdout and stderr never mix within a line. */
  input(): (chunk: Buffer) => void;
  /** A line of Slipway's own. */
  note(text: string): void;
  finish(): LogSummary;
}

/**
 * Opens a log sink. A full disk in the middle of a step does not stop the step: what does not fit is counted as dropped.
 * @throws the system's error when the file cannot be created
 */
export function createLogSink(options: LogSinkOptions): LogSink {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const tailBudget = Math.min(MAX_TAIL_IN_MEMORY, Math.floor(maxBytes / 2));
  const file = createHashedFile(options.file);
  const last = createLastLines();
  const ring = createRing(tailBudget);
  let full = false;

  const write = (text: string): void => {
    file.write(text);
    last.add(text);
  };
  const accept = (block: LogBlock): void => {
    if (!full) {
      const text = renderBlock(block, options.redact);
      full = file.bytes() + Buffer.byteLength(text) > maxBytes - tailBudget;
      if (!full) return write(text);
    }
    // Kept raw: redacting what is about to be dropped would cost more than everything else.
    ring.add(block);
  };
  const splitters: { flush(): void }[] = [];
  const lineOptions = {
    blockBytes: Math.min(64 * 1024, Math.ceil(maxBytes / 16)),
    longestSecret: LONGEST_FORM * (options.longestSecret ?? 0),
  };
  return {
    input: () => {
      const splitter = createLineSplitter(accept, lineOptions);
      splitters.push(splitter);
      return (chunk) => splitter.push(chunk);
    },
    note: (text) => accept({ text: `[slipway] ${text}\n`, bytes: 0, cut: false }),
    finish: () => {
      for (const splitter of splitters) splitter.flush();
      const end = ring.drain(options.redact);
      if (end.dropped > 0) write(`[slipway] ${end.dropped} bytes of output were dropped here: the log is limited to ${maxBytes} bytes\n`);
      write(end.text);
      return { ...file.close(), truncated: end.dropped > 0 || file.failed(), tail: last.text() };
    },
  };
}

function createHashedFile(path: string) {
  const descriptor = openSync(path, 'w', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;
  let failed = false;
  return {
    bytes: () => bytes,
    failed: () => failed,
    write: (text: string): void => {
      let rest = Buffer.from(text);
      while (rest.length > 0 && !failed) {
        try {
          const written = writeSync(descriptor, rest);
          hash.update(rest.subarray(0, written));
          bytes += written;
          rest = rest.subarray(written);
        } catch {
          failed = true;
        }
      }
    },
    close: () => {
      closeSync(descriptor);
      return { bytes, sha256: hash.digest('hex') };
    },
  };
}

function createRing(budget: number) {
  const blocks: LogBlock[] = [];
  let size = 0;
  let dropped = 0;
  const cost = (block: LogBlock): number => block.text.length + BLOCK_OVERHEAD;
  return {
    add: (block: LogBlock): void => {
      blocks.push(block);
      size += cost(block);
      while (size > budget && blocks.length > 1) {
        const gone = blocks.shift();
        if (gone === undefined) break;
        size -= cost(gone);
        dropped += gone.bytes;
      }
    },
    drain: (redact: Redactor): { readonly text: string; readonly dropped: number } => {
      const text = Buffer.from(blocks.map((block) => renderBlock(block, redact)).join(''));
      if (text.length <= budget) return { text: text.toString(), dropped };
      const start = text.indexOf(10, text.length - budget) + 1;
      return { text: text.toString('utf8', start), dropped: dropped + start };
    },
  };
}

/** The last few lines for a message; control sequences are taken out because a terminal will show it. */
function createLastLines() {
  let text = '';
  return {
    add: (more: string): void => {
      text = (text + more).slice(-2 * SUMMARY_TAIL);
    },
    text: (): string => {
      const clean = stripVTControlCharacters(text).trimEnd();
      const bytes = Buffer.from(clean);
      if (bytes.length <= SUMMARY_TAIL) return clean;
      const start = bytes.indexOf(10, bytes.length - SUMMARY_TAIL) + 1;
      // One line longer than the tail: its end says more than nothing.
      return bytes.toString('utf8', start === 0 ? bytes.length - SUMMARY_TAIL : start).replace(/^\uFFFD+/, '');
    },
  };
}
