import type { Redactor } from './pure.ts';

/** A longer line is cut, so that one endless line costs no memory. Bytes. */
const MAX_LINE = 16 * 1024;
/** Read beyond the cut before redacting, so that a secret across the cut is still recognised whole. Bytes. */
const LOOKAHEAD = 8 * 1024;
/** A private key spans lines; without its END line this many lines are hidden. RSA-16384 needs about 200. */
const MAX_KEY_LINES = 400;
const NEWLINE = 10;
const KEY_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?![\s\S]*-----END)/;
const KEY_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;

/** Whole lines not yet redacted: many short ones, or the beginning of one over-long line (`cut`). */
export interface LogBlock {
  readonly text: string;
  /** Bytes read for it, dropped parts included. */
  readonly bytes: number;
  readonly cut: boolean;
}

export interface LineSplitter {
  push(chunk: Buffer): void;
  /** Emits the last line if it has no newline. */
  flush(): void;
}

/** Longest secret decides how far past a cut to look; blocks are one line, or at most `blockBytes` long. */
export interface LineOptions {
  readonly blockBytes: number;
  readonly longestSecret: number;
}

/** The block as it may be written: redacted, ending in a newline, an over-long line marked. */
export function renderBlock(block: LogBlock, redact: Redactor): string {
  if (!block.cut) return redact(block.text);
  return `${redact(block.text).slice(0, MAX_LINE)} [slipway: line cut, it had ${block.bytes} bytes]\n`;
}

/**
 * Splits one stream of bytes into whole lines in bounded memory. Bytes that are not UTF-8 become U+FFFD.
 * Redaction needs whole lines: a secret split over two chunks would pass unseen.
 */
export function createLineSplitter(emit: (block: LogBlock) => void, options: LineOptions): LineSplitter {
  const keep = MAX_LINE + Math.max(LOOKAHEAD, options.longestSecret);
  const keys = createKeyFilter();
  const carry = createCarry(keep);

  const emitLine = (line: Buffer, bytes: number): void => {
    const cut = bytes > MAX_LINE;
    const text = keys(line.toString('utf8').replace(/\n$/, ''));
    if (text !== null) emit({ text: cut ? text : `${text}\n`, bytes, cut });
  };
  const endCarry = (): void => {
    const { line, bytes } = carry.take();
    if (bytes > 0) emitLine(line, bytes);
  };
  const emitRegion = (region: Buffer): void => {
    const lineByLine = keys.active() || region.includes('PRIVATE KEY');
    for (const [from, to] of blocksOf(region, lineByLine ? 0 : options.blockBytes)) {
      const oneLine = lineByLine || region.indexOf(NEWLINE, from) + 1 === to;
      if (oneLine) emitLine(region.subarray(from, Math.min(to, from + keep)), to - from);
      else emit({ text: region.toString('utf8', from, to), bytes: to - from, cut: false });
    }
  };
  return {
    push: (chunk) => {
      let rest = chunk;
      if (!carry.empty()) {
        const end = rest.indexOf(NEWLINE) + 1;
        carry.add(end === 0 ? rest : rest.subarray(0, end));
        if (end === 0) return;
        endCarry();
        rest = rest.subarray(end);
      }
      const complete = rest.lastIndexOf(NEWLINE) + 1;
      if (complete > 0) emitRegion(rest.subarray(0, complete));
      if (complete < rest.length) carry.add(rest.subarray(complete));
    },
    flush: endCarry,
  };
}

/** Cuts a region of whole lines into pieces of whole lines, each at most `limit` bytes or one line; over-long lines stand alone. */
function* blocksOf(region: Buffer, limit: number): Generator<readonly [number, number]> {
  let from = 0;
  for (let start = 0; start < region.length;) {
    const end = region.indexOf(NEWLINE, start) + 1;
    const long = end - start > MAX_LINE;
    if (from < start && (long || end - from > limit)) {
      yield [from, start];
      from = start;
    }
    if (long) {
      yield [from, end];
      from = end;
    }
    start = end;
  }
  if (from < region.length) yield [from, region.length];
}

/** The line whose end has not come yet: its first `keep` bytes and how many there were. */
function createCarry(keep: number) {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let kept = 0;
  return {
    empty: () => bytes === 0,
    add: (piece: Buffer): void => {
      const part = piece.subarray(0, Math.max(0, keep - kept));
      bytes += piece.length;
      kept += part.length;
      if (part.length > 0) pieces.push(part);
    },
    take: (): { readonly line: Buffer; readonly bytes: number } => {
      const taken = { line: Buffer.concat(pieces), bytes };
      pieces = [];
      bytes = 0;
      kept = 0;
      return taken;
    },
  };
}

interface KeyFilter {
  /** The line without the key it begins; null for a line inside a key. */
  (line: string): string | null;
  active(): boolean;
}

function createKeyFilter(): KeyFilter {
  let left = 0;
  const filter = (line: string): string | null => {
    if (left > 0) {
      left = KEY_END.test(line) ? 0 : left - 1;
      return null;
    }
    const begin = KEY_BEGIN.exec(line);
    if (begin === null) return line;
    left = MAX_KEY_LINES;
    return `${line.slice(0, begin.index)}[redacted]`;
  };
  return Object.assign(filter, { active: () => left > 0 });
}
