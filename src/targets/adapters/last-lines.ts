import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** Enough for a stack trace; what came before is in the file. */
const MOST_BYTES = 16 * 1024;

const NOTE = '[slipway] ';
const BEGINNING = /^\[slipway\] \S+ run \d+ started as process \d+$/;

/** The last `count` lines the last run printed to its log, which it may still be writing to; oldest first, none without a file. */
export function lastLines(file: string, count: number): readonly string[] {
  const lines = lastText(file).trimEnd().split('\n');
  const ofRun = lines.slice(lines.findLastIndex((line) => BEGINNING.test(line)) + 1);
  return ofRun
    .map(stripVTControlCharacters)
    .filter((line) => line !== '' && !line.startsWith(NOTE))
    .slice(-count);
}

function lastText(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    // Nothing was printed yet.
    return '';
  }
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, MOST_BYTES));
    const length = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    const text = bytes.subarray(0, length).toString('utf8');
    // The first line of a cut has no beginning.
    return size > MOST_BYTES ? text.slice(text.indexOf('\n') + 1) : text;
  } finally {
    closeSync(descriptor);
  }
}
